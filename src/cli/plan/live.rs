//! The live tickets: the state topic, read from outside of the group.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use escalator_engine::ticket::Text;
use escalator_engine::ticket_state::TicketState;

use crate::kafka::reader::Reader;
use crate::kafka::topics::Topics;
use crate::partition::meta;
use crate::settings::Settings;
use crate::{service, wire};

/// Records are taken in such portions.
const PORTION: usize = 10_000;

/// They are waited for this long at a time.
const STEP: Duration = Duration::from_millis(100);

/// The last committed state of every ticket, in no order that means anything.
pub(super) fn tickets(settings: &Settings) -> anyhow::Result<Vec<(Text, TicketState)>> {
    let clients = service::client_settings(settings);
    let names = service::topic_names(&settings.topics);
    let facts = Topics::new(&clients, &names)?.check()?;
    let partitions = i32::try_from(facts.partitions).unwrap_or(i32::MAX);
    let reader = Reader::open(&clients, &[&settings.topics.state], partitions)?;
    let mut states: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    loop {
        let records = reader.poll(PORTION, STEP)?;
        if records.is_empty() && reader.is_at_end()? {
            break;
        }
        for record in records {
            let Some(key) = record.key else { continue };
            // Records of the partitions themselves are no tickets.
            if key.first() == Some(&meta::OWN_KEY) {
                continue;
            }
            match record.value {
                Some(value) => states.insert(key, value),
                None => states.remove(&key),
            };
        }
    }
    let tickets = states.into_iter().map(|(key, value)| {
        let ticket_id = String::from_utf8_lossy(&key).into_owned();
        let state = wire::decode_state(&value)
            .with_context(|| format!("the state of ticket `{ticket_id}` cannot be read"))?;
        Ok((Text::from(ticket_id), state))
    });
    tickets.collect()
}
