//! Which workload was killed when a node's kernel says that it killed a process for memory.
//!
//! The event names a process, not a pod. Two traces lead to the pod: its containers are restarted on the same node at that time,
//! and a container that is killed at its own limit holds just that much memory.

use std::collections::BTreeMap;

use serde_json::Value;

use super::View;
use crate::{
    diagnosis::objects::pod_spec,
    model::{ObjectRef, shapes::EventSeries},
};

/// A kubelet notices a killed container and restarts it within a minute or two.
const RESTARTED_WITHIN_MS: i64 = 150_000;
/// A container killed at its limit holds a little less than it in anonymous memory.
const AT_LIMIT: std::ops::RangeInclusive<f64> = 0.85..=1.02;

/// The workload whose container was killed, when the traces agree on one.
pub(super) fn killed(view: &View<'_>, series: &EventSeries) -> Option<ObjectRef> {
    if series.object.kind == "Pod" {
        return view.objects.workload_of(&series.object);
    }
    let node = series.object.name.as_str();
    let held = held_kilobytes(&series.message).map(|kb| kb * 1024.0);
    let mut scores: BTreeMap<ObjectRef, u32> = BTreeMap::new();
    for other in &view.shapes.events {
        let restarted = matches!(
            other.reason.as_str(),
            "BackOff" | "Started" | "Killing" | "Created"
        ) && other.object.kind == "Pod"
            && other.host == node;
        if !restarted || !happens_near(view, other, series.first_ms) {
            continue;
        }
        if let Some(workload) = view.objects.workload_of(&other.object) {
            let weight = if other.reason == "BackOff" { 3 } else { 1 };
            let score = scores.entry(workload).or_default();
            *score = (*score).max(weight);
        }
    }
    for (namespace, pod) in view.objects.pods_on(node) {
        if let Some(workload) = view.objects.workload_of_pod(namespace, pod) {
            scores.entry(workload).or_default();
        }
    }
    for (workload, score) in &mut scores {
        let limits = limits(view, workload, series.first_ms);
        if limits
            .iter()
            .any(|limit| held.is_some_and(|h| AT_LIMIT.contains(&(h / limit))))
        {
            *score += 3;
        }
    }
    let best = scores.iter().max_by_key(|(_, score)| **score)?;
    (*best.1 >= 3).then(|| best.0.clone())
}

fn happens_near(view: &View<'_>, other: &EventSeries, at_ms: i64) -> bool {
    let near = |ms: i64| (at_ms..=at_ms + RESTARTED_WITHIN_MS).contains(&ms);
    if near(other.first_ms) || near(other.last_ms) {
        return true;
    }
    let (from, to) = (
        view.range.cell(at_ms),
        view.range.cell(at_ms + RESTARTED_WITHIN_MS),
    );
    other.first_ms <= at_ms + RESTARTED_WITHIN_MS
        && other.last_ms >= at_ms
        && other.cells.between(from, to) > 0
}

/// `anon-rss:123456kB`, as the kernel writes it.
fn held_kilobytes(message: &str) -> Option<f64> {
    let rest = &message[message.find("anon-rss:")? + "anon-rss:".len()..];
    rest[..rest.find("kB")?].parse().ok()
}

/// Memory limits of the workload's containers at an instant, in bytes.
fn limits(view: &View<'_>, workload: &ObjectRef, at_ms: i64) -> Vec<f64> {
    let Some(spec) = view.objects.spec_of(workload, at_ms).and_then(pod_spec) else {
        return Vec::new();
    };
    let containers = spec.get("containers").and_then(Value::as_array);
    let limit = |c: &Value| memory_bytes(c.pointer("/resources/limits/memory")?.as_str()?);
    containers.into_iter().flatten().filter_map(limit).collect()
}

/// A Kubernetes quantity of memory in bytes: `512Mi`, `1G`, `1073741824`.
#[must_use]
pub fn memory_bytes(quantity: &str) -> Option<f64> {
    let at = quantity
        .find(|c: char| c.is_ascii_alphabetic())
        .unwrap_or(quantity.len());
    let number: f64 = quantity[..at].parse().ok()?;
    let unit = match &quantity[at..] {
        "" => 1.0,
        "m" => 1e-3,
        "k" => 1e3,
        "Ki" => 1024.0,
        "M" => 1e6,
        "Mi" => 1024.0 * 1024.0,
        "G" => 1e9,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        "T" => 1e12,
        "Ti" => 1024.0_f64.powi(4),
        _ => return None,
    };
    Some(number * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_bytes() {
        assert_eq!(memory_bytes("512Mi"), Some(536_870_912.0));
        assert_eq!(memory_bytes("1G"), Some(1e9));
        assert_eq!(memory_bytes("12cats"), None);
    }

    #[test]
    fn the_kernel_says_what_the_process_held() {
        let message = "Memory cgroup out of memory: Killed process 17 (java) total-vm:99kB, anon-rss:130432kB, file-rss:0kB";
        assert_eq!(held_kilobytes(message), Some(130_432.0));
    }
}
