//! What each event of a schedule does to the world.

use std::rc::Rc;
use std::sync::atomic::Ordering;

use super::process::{Pending, Process};
use super::reached::Path;
use super::schedule::{Event, Way};
use super::workload::{START_MS, What, record};
use super::world::World;

impl World {
    /// Lets an event happen.
    pub(super) fn happen(self: &Rc<Self>, event: Event) {
        let now = self.now();
        match event {
            Event::Write {
                id,
                ticket,
                what,
                way,
            } => self.write((id, ticket, what), way),
            Event::Edit { variant } => self.edit(variant),
            Event::Start { instance } => {
                if self.processes_of(instance).is_empty() {
                    self.start(instance);
                }
            }
            Event::Twin { instance } => self.start(instance),
            Event::Stop { instance, down_ms } => self.stop(instance, down_ms),
            Event::Cut { instance, for_ms } => self.strike(instance, |process| {
                self.reached.count(Path::CutOff);
                process.cut_until_ms = now + for_ms;
            }),
            Event::Slow {
                instance,
                up_to_ms,
                for_ms,
            } => self.strike(instance, |process| process.slow = (now + for_ms, up_to_ms)),
            Event::Trouble {
                instance,
                skip,
                mishap,
                times,
            } => self.strike(instance, |process| {
                process.mishaps.push_back((skip, mishap));
                let again = (1..times).map(|_| (0, mishap));
                process.mishaps.extend(again);
            }),
            Event::Away { for_ms } => {
                self.reached.count(Path::BrokersAway);
                self.cluster().away_until_ms = now + for_ms;
            }
            Event::Leaderless { partition, for_ms } => {
                self.reached.count(Path::PartitionLeaderless);
                self.cluster().leaderless = Some((partition, now + for_ms));
            }
            Event::Markers { up_to_ms } => self.cluster().marker_delay_ms = up_to_ms,
            Event::Clock { instance, ahead_ms } => self.set_clock(instance, ahead_ms),
            Event::Compact { partition } => self.compact(partition),
            Event::Deny { for_ms } => self.cluster().group.forgetful_until_ms = now + for_ms,
            Event::ForgetOffsets => self.cluster().group.forget_offsets(),
            Event::Strike {
                instance,
                steps,
                in_transaction,
                blow,
            } => self.strike(instance, |process| {
                process.blows.push(Pending {
                    steps,
                    in_transaction,
                    blow,
                });
            }),
        }
    }

    fn write(&self, written: (u32, u32, What), way: Way) {
        let now = self.now();
        let now_ms = now - START_MS;
        let partitions = self.config.partitions;
        let mut cluster = self.cluster();
        match way {
            Way::Plain { age_ms, again } => {
                for _ in 0..=u8::from(again) {
                    let (place, payload) = record(written, now_ms - age_ms, partitions);
                    cluster.log(place).append(None, payload, now);
                }
            }
            Way::Held {
                for_ms,
                is_committed,
            } => {
                let (place, payload) = record(written, now_ms, partitions);
                cluster.hold(place, payload, (now + for_ms, is_committed), now);
                if !is_committed {
                    self.reached.count(Path::InputAborted);
                }
            }
        }
    }

    /// Lets all processes of an instance stop in good order.
    fn stop(&self, instance: usize, down_ms: i64) {
        self.strike(instance, |process| {
            process.stop.store(true, Ordering::Relaxed);
        });
        let at = self.now() + down_ms;
        self.returns.borrow_mut().insert(instance, at);
    }

    fn set_clock(&self, instance: usize, ahead_ms: i64) {
        let before = self.ahead[instance].swap(ahead_ms, Ordering::Relaxed);
        if ahead_ms > before {
            self.reached.count(Path::ClockForward);
        } else if ahead_ms < before {
            self.reached.count(Path::ClockBack);
        }
    }

    fn compact(&self, partition: i32) {
        for process in self.processes.borrow().values() {
            process.restorer.overtake(partition);
        }
        self.cluster().compact(partition, self.now());
    }

    /// Does something to every process of an instance.
    fn strike(&self, instance: usize, mut what: impl FnMut(&mut Process)) {
        let mut processes = self.processes.borrow_mut();
        for process in processes.values_mut().filter(|it| it.instance == instance) {
            what(process);
        }
    }
}
