//! A good client beside the bad ones.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::client::Client;

/// What a neighbour may have to wait for one echo, on a machine that is busy with the attack as well.
const ECHO_MAX: Duration = Duration::from_secs(1);

/// Has messages echoed, one after the other, from the time it's made until [`Neighbour::was_well`].
pub(crate) struct Neighbour {
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<(u32, Duration)>,
}

impl Neighbour {
    pub(crate) fn of(address: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let mut client = Client::upgrade(address, "/");
        let thread = thread::spawn(move || {
            let (mut echoes, mut worst) = (0_u32, Duration::ZERO);
            while !stopped.load(Ordering::Relaxed) || echoes < 3 {
                let began = Instant::now();
                let text = format!("echo {echoes}");
                client.send_frame(0x81, text.as_bytes());
                client.expect(0x81, text.as_bytes());
                worst = worst.max(began.elapsed());
                echoes += 1;
                thread::sleep(Duration::from_millis(1));
            }
            (echoes, worst)
        });
        Self { stop, thread }
    }

    /// Asserts that every message was echoed, each in good time.
    pub(crate) fn was_well(self) {
        self.stop.store(true, Ordering::Relaxed);
        let (echoes, worst) = self.thread.join().expect("every echo came");
        assert!(worst < ECHO_MAX, "an echo of {echoes} took {worst:?}");
    }
}
