use super::{Options, SledStore};
use crate::store::{Store, Write};
use std::collections::VecDeque;
use std::ops::ControlFlow;

#[test]
#[ignore = "measures"]
fn lab() {
    let dir = std::env::var("LAB_DIR").map(std::path::PathBuf::from).unwrap();
    let users: u64 = 10_000;
    let total: u64 = std::env::var("TOTAL").unwrap().parse().unwrap();
    let live_max: usize = std::env::var("LIVE").unwrap().parse().unwrap();
    let batch: u64 = std::env::var("BATCH").map_or(256, |b| b.parse().unwrap());
    let _ = std::fs::remove_dir_all(&dir);
    let store = SledStore::open(&dir, &Options::default()).unwrap();
    let mut rnd = 88172645463325252u64;
    let mut next = move || {
        rnd ^= rnd << 13;
        rnd ^= rnd >> 7;
        rnd ^= rnd << 17;
        rnd
    };
    let mut offsets = vec![0u64; users as usize];
    let mut queue = VecDeque::new();
    let (mut tw, mut ts, mut worst, mut maxratio) = (0.0, 0.0, 0.0f64, 0.0f64);
    let start = std::time::Instant::now();
    let mut done = 0;
    let mut report = 0;
    while done < total {
        let live = if done > total * 7 / 10 { live_max / 40 } else { live_max };
        let mut writes = Vec::new();
        for _ in 0..batch {
            let user = next() % users;
            offsets[user as usize] += 1;
            let key = crate::key::entry(user, offsets[user as usize]).to_vec();
            let mut value = vec![7; 300];
            value[..8].copy_from_slice(&next().to_be_bytes());
            queue.push_back(key.clone());
            writes.push(Write::Put { key, value });
        }
        while queue.len() > live {
            writes.push(Write::Delete { key: queue.pop_front().unwrap() });
        }
        let t = std::time::Instant::now();
        store.write(&writes).unwrap();
        tw += t.elapsed().as_secs_f64();
        let t = std::time::Instant::now();
        store.sync().unwrap();
        let s = t.elapsed().as_secs_f64();
        ts += s;
        worst = worst.max(s);
        done += batch;
        let disk = store.bytes_on_disk().unwrap();
        if disk > 32 << 20 {
            maxratio = maxratio.max(disk as f64 / store.bytes_live() as f64);
        }
        if done >= report {
            report += total / 20;
            println!(
                "{done} disk {} MiB live {} MiB ratio {:.2} max {maxratio:.2}",
                disk >> 20,
                store.bytes_live() >> 20,
                disk as f64 / store.bytes_live() as f64
            );
            maxratio = 0.0;
        }
    }
    println!(
        "write {:.2} us/op sync {:.0} us/batch worst {:.1} ms total {:?} => {:.0}/s",
        tw * 1e6 / total as f64,
        ts * 1e6 * batch as f64 / total as f64,
        worst * 1e3,
        start.elapsed(),
        total as f64 / start.elapsed().as_secs_f64()
    );
    let mut n = 0;
    store
        .scan(&[0], &[255], &mut |_, _| {
            n += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
    println!("found {n} expected {}", queue.len());
    println!("{:?}", std::fs::read_dir(&dir).unwrap().map(|e| e.unwrap().path()).collect::<Vec<_>>());
}
