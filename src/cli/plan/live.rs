//! The live tickets: the state topic, read from outside of the group.

use anyhow::Context as _;
use escalator_engine::ticket::Text;
use escalator_engine::ticket_state::TicketState;

use crate::cli::state::StateTopic;
use crate::settings::Settings;
use crate::wire;

/// The last committed state of every ticket, in order of partition and id.
pub(super) fn tickets(settings: &Settings) -> anyhow::Result<Vec<(Text, TicketState)>> {
    let mut topic = StateTopic::open(settings)?;
    let mut tickets = Vec::new();
    for partition in 0..topic.partitions() {
        for (id, kept) in topic.tickets(partition)? {
            let ticket_id = String::from_utf8_lossy(&id);
            let state = wire::decode_state(&kept.value)
                .with_context(|| format!("the state of ticket `{ticket_id}` cannot be read"))?;
            tickets.push((Text::from(&*ticket_id), state));
        }
    }
    Ok(tickets)
}
