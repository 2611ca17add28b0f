//! What the codec costs for one message of 128 bytes of data: reading `publish`, checking and rewriting the data,
//! rendering the entry for each wire form, and asking a right.
//!
//! `cargo bench -p tidings-bench --bench codec`

use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime};
use std::hint::black_box;
use std::time::Duration;
use tidings_proto::decode;
use tidings_proto::frame::EntryFrame;
use tidings_proto::pattern::Pattern;
use tidings_proto::payload::{Codec, DataRef};
use tidings_proto::wire::{self, WireForm};

/// A chat message whose JSON is 128 bytes long.
const DATA: &str = concat!(
    r#"{"id":"01J9ZQ3V8K","room":7,"text":"See you at the station at noon, the train is on time","#,
    r#""at":1790000000000,"mentions":["bob"]}"#
);
const _: () = assert!(DATA.len() == 128);

fn data_in(codec: Codec) -> Vec<u8> {
    let mut out = Vec::new();
    DataRef::parse(Codec::Json, DATA.as_bytes()).expect("the constant is JSON").append(codec, &mut out);
    out
}

/// A `publish` that carries the data.
fn publish(codec: Codec) -> Vec<u8> {
    let (head, tail): (&[u8], &[u8]) = match codec {
        Codec::Json => (br#"{"id":3,"publish":{"channel":"messaging:lobby","event":"NEW_MESSAGE","data":"#, b"}}"),
        Codec::Msgpack => {
            (b"\x82\xa2id\x03\xa7publish\x83\xa7channel\xafmessaging:lobby\xa5event\xabNEW_MESSAGE\xa4data", b"")
        }
    };
    [head, &data_in(codec), tail].concat()
}

/// A group that is quick and still steady enough to see a tenth.
fn group<'c>(criterion: &'c mut Criterion, name: &str) -> BenchmarkGroup<'c, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    group
}

fn reading(criterion: &mut Criterion) {
    let mut group = group(criterion, "decode publish");
    for codec in [Codec::Json, Codec::Msgpack] {
        let message = publish(codec);
        group.throughput(Throughput::Bytes(message.len() as u64));
        group.bench_function(format!("{codec:?}"), |bench| {
            bench.iter(|| decode::frames(codec, black_box(&message)).filter(Result::is_ok).count());
        });
    }
    group.finish();
}

fn checking(criterion: &mut Criterion) {
    let mut group = group(criterion, "check data");
    for codec in [Codec::Json, Codec::Msgpack] {
        let bytes = data_in(codec);
        group.bench_function(format!("{codec:?}"), |bench| {
            bench.iter(|| DataRef::parse(codec, black_box(&bytes)).is_ok());
        });
    }
    group.finish();
}

fn rendering(criterion: &mut Criterion) {
    let mut group = group(criterion, "render entry");
    for codec in [Codec::Json, Codec::Msgpack] {
        let bytes = data_in(codec);
        let data = DataRef::parse(codec, &bytes).expect("the data was written here");
        let (event, from) = ("NEW_MESSAGE", Some("alice"));
        let entry = EntryFrame { stream: 12, offset: 1_000_000, event, data, from, at: 1_790_000_000_000 };
        for form in WireForm::ALL {
            let mut out = Vec::with_capacity(1_024);
            group.bench_function(format!("{codec:?} as {form:?}"), |bench| {
                bench.iter(|| {
                    out.clear();
                    wire::render_entry(form, black_box(&entry), &mut out);
                    out.len()
                });
            });
        }
    }
    group.finish();
}

fn rights(criterion: &mut Criterion) {
    let mut group = group(criterion, "pattern");
    for (name, pattern) in [("prefix", "messaging:*"), ("literal", "messaging:lobby"), ("stars", "*:*o*b*y")] {
        let pattern = Pattern::new(pattern);
        group.bench_function(name, |bench| bench.iter(|| pattern.covers(black_box("messaging:lobby"))));
    }
    group.finish();
}

criterion_group!(benches, reading, checking, rendering, rights);
criterion_main!(benches);
