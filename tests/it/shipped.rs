//! Records of a bucket on disk: read back, moved in time, and shipped once more.

use std::{
    io::{Read as _, Write as _},
    path::Path,
};

use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};
use jiff::Timestamp;
use serde_json::{Value, json};

/// All records below a folder; none below one that does not exist.
pub(crate) fn records(folder: &Path) -> Vec<Value> {
    let mut folders = vec![folder.to_owned()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mut text = String::new();
            let file = std::fs::File::open(path).expect("object");
            MultiGzDecoder::new(file)
                .read_to_string(&mut text)
                .expect("gzip");
            let lines = text.lines().map(|l| serde_json::from_str(l).expect("json"));
            found.extend(lines);
        }
    }
    found
}

pub(crate) fn at_ms(record: &Value) -> i64 {
    record["__TIMESTAMP__"].as_i64().expect("time")
}

/// The same record so much later.
pub(crate) fn later(mut record: Value, by_ms: i64) -> Value {
    fn shift(value: &mut Value, by_ms: i64) {
        match value {
            Value::Object(fields) => fields.values_mut().for_each(|v| shift(v, by_ms)),
            Value::String(text) => {
                if let Ok(at) = text.parse::<Timestamp>() {
                    let at = Timestamp::from_millisecond(at.as_millisecond() + by_ms);
                    *text = at.expect("instant").to_string();
                }
            }
            _ => {}
        }
    }
    let ms = at_ms(&record) + by_ms;
    shift(&mut record, by_ms);
    record["__TIMESTAMP__"] = json!(ms);
    record
}

/// Puts records into an object of a folder.
pub(crate) fn ship(folder: &Path, name: &str, records: &[Value]) {
    std::fs::create_dir_all(folder).expect("folder");
    let file = std::fs::File::create(folder.join(name)).expect("object");
    let mut packed = GzEncoder::new(file, Compression::fast());
    for record in records {
        writeln!(packed, "{record}").expect("line");
    }
    packed.finish().expect("gzip");
}
