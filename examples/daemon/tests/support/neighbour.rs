//! Good clients beside the bad ones.

use super::daemon::Daemon;
use super::session::Session;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

/// What one delivery may take, on a machine that is busy with the attack and the other tests as well.
const DELIVERY_MAX: Duration = Duration::from_secs(2);

/// A publisher and a subscriber whose deliveries go on from the time it's made until [`Neighbour::was_well`].
pub(crate) struct Neighbour {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(u64, Duration)>,
}

impl Neighbour {
    /// Of a daemon whose messages are not limited in number.
    pub(crate) fn of(daemon: &Daemon) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let mut reader = Session::subscribe(daemon, "good-reader", "messaging:good");
        let mut writer = Session::connect(daemon, "good-writer");
        let thread = thread::spawn(move || {
            let (mut deliveries, mut worst) = (0, Duration::ZERO);
            while !stopped.load(Ordering::Relaxed) || deliveries < 3 {
                let began = Instant::now();
                writer.send(json!({"publish": {"channel": "messaging:good", "event": "E", "data": deliveries}}));
                let entry = reader.next();
                assert_eq!(entry["entry"]["data"], deliveries, "{entry}");
                worst = worst.max(began.elapsed());
                deliveries += 1;
                sleep(Duration::from_millis(2));
            }
            (deliveries, worst)
        });
        Self { stop, thread }
    }

    /// Every delivery came, in order and in good time.
    #[track_caller]
    pub(crate) fn was_well(self) {
        self.stop.store(true, Ordering::Relaxed);
        let (deliveries, worst) = self.thread.join().expect("every delivery came");
        assert!(worst < DELIVERY_MAX, "one of {deliveries} deliveries took {worst:?}");
    }
}
