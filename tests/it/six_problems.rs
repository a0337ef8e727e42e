//! The day that the first user of such a report had: images, scheduling, an autoscaler without metrics, a full node group, a missing
//! StorageClass and a monitoring agent that reaches nobody, all in one broadcast.
//!
//! The records are worded as Kubernetes 1.28 and TKE word them; nothing in them is made for our rules.

use std::{fs, io::Write as _, path::Path};

use flate2::{Compression, write::GzEncoder};
use gengfu::{
    mcp::MARK,
    model::{Day, LogKind, Moment},
};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    over_bucket::{self, Manner},
    running::{Era, ROBOT, told},
    stored_day::owner,
};

const DAY: &str = "2026-11-20";
const CLUSTER: &str = "cls-l9taan9w";
const MINUTE: i64 = 60_000;

/// What controllers and people did on a day, in the order of telling.
struct Story {
    start_ms: i64,
    lines: Vec<(LogKind, i64, Value)>,
}

fn utc(ms: i64) -> String {
    Timestamp::from_millisecond(ms).expect("time").to_string()
}

/// Some identity that is the same in every run.
fn uid(of: &str) -> String {
    let hash = xxhash_rust::xxh3::xxh3_128(of.as_bytes());
    uuid::Uuid::from_u128(hash).to_string()
}

impl Story {
    fn at(&self, hour: i64, minute: i64) -> i64 {
        self.start_ms + (hour * 60 + minute) * MINUTE
    }

    /// An event that comes again every `every` minutes until midnight; its record carries the count so far.
    fn keeps(&mut self, from: i64, every: i64, of: [&str; 3], what: [&str; 4]) {
        let ([kind, ns, name], [kind_of_event, reason, component, message]) = (of, what);
        let end = self.start_ms + 24 * 60 * MINUTE;
        let id = uid(&format!("{name}{reason}{message}"));
        let times = (from..end).step_by(usize::try_from(every * MINUTE).expect("step"));
        for (n, ms) in times.enumerate() {
            let event = json!({"metadata": {"name": format!("{name}.{}", &id.replace('-', "")[..16]), "namespace": ns, "uid": id,
                    "resourceVersion": (98_123_312 + n).to_string(), "creationTimestamp": utc(from)},
                "involvedObject": {"kind": kind, "namespace": ns, "name": name, "uid": uid(name), "apiVersion": "v1"},
                "reason": reason, "message": message, "source": {"component": component}, "firstTimestamp": utc(from), "lastTimestamp": utc(ms),
                "count": n + 1, "type": kind_of_event, "eventTime": null, "reportingComponent": component, "reportingInstance": ""});
            let record = json!({"__TIMESTAMP__": ms, "__SOURCE__": "172.16.0.9", "clusterId": CLUSTER, "verb": if n == 0 { "ADDED" } else { "UPDATED" }, "event": event});
            self.lines.push((LogKind::Event, ms, record));
        }
    }

    /// The kubelet cannot get an image, and says so in four events.
    fn image(&mut self, from: i64, ns: &str, pod: &str, image: &str, why: &str) {
        let of = ["Pod", ns, pod];
        let refusal = format!(
            "Failed to pull image \"{image}\": rpc error: code = NotFound desc = failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": {why}"
        );
        self.keeps(
            from,
            5,
            of,
            [
                "Normal",
                "Pulling",
                "kubelet",
                &format!("Pulling image \"{image}\""),
            ],
        );
        self.keeps(
            from + 1000,
            5,
            of,
            ["Warning", "Failed", "kubelet", &refusal],
        );
        self.keeps(
            from + 1000,
            5,
            of,
            ["Warning", "Failed", "kubelet", "Error: ErrImagePull"],
        );
        self.keeps(
            from + 2000,
            5,
            of,
            [
                "Normal",
                "BackOff",
                "kubelet",
                &format!("Back-off pulling image \"{image}\""),
            ],
        );
        self.keeps(
            from + 2000,
            5,
            of,
            ["Warning", "Failed", "kubelet", "Error: ImagePullBackOff"],
        );
    }

    fn cannot_schedule(&mut self, from: i64, ns: &str, pod: &str, message: &str) {
        self.keeps(
            from,
            5,
            ["Pod", ns, pod],
            ["Warning", "FailedScheduling", "default-scheduler", message],
        );
    }

    /// A line of a container's standard output.
    fn says(&mut self, ms: i64, ns: &str, pod: &str, container: &str, text: &str) {
        let record = json!({"__TIMESTAMP__": ms, "__SOURCE__": "172.16.0.12", "__FILENAME__": format!("/var/log/pods/{ns}_{pod}_{}/{container}/0.log", uid(pod)),
            "__HOSTNAME__": "172.16.0.12", "__CONTENT__": text,
            "__TAG__": {"cluster_id": CLUSTER, "namespace": ns, "pod_name": pod, "pod_uid": uid(pod), "pod_ip": "10.1.4.23", "container_name": container,
                "image_name": format!("ccr.ccs.tencentyun.com/{ns}/{container}:1.8.3")}});
        self.lines.push((LogKind::Business, ms, record));
    }

    /// What the API server carried out for a person.
    fn wrote(&mut self, ms: i64, verb: &str, code: u16, resource: [&str; 2], body: &Value) {
        let [plural, group] = resource;
        let (ns, name) = (&body["metadata"]["namespace"], &body["metadata"]["name"]);
        let record = json!({"__TIMESTAMP__": ms, "__SOURCE__": "172.16.0.9", "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse",
            "auditID": uid(&format!("{name}{ms}")), "stage": "ResponseComplete", "requestURI": format!("/apis/{group}/v1/namespaces/{ns}/{plural}"), "verb": verb,
            "user": {"username": "100012347138", "groups": ["system:authenticated"]}, "sourceIPs": ["10.20.0.200"], "userAgent": "kubectl/v1.28.3 (linux/amd64) kubernetes/a8a1abc",
            "objectRef": {"resource": plural, "namespace": ns, "name": name, "apiGroup": group, "apiVersion": "v1"},
            "responseStatus": {"metadata": {}, "code": code}, "requestObject": body, "responseObject": body,
            "requestReceivedTimestamp": utc(ms), "stageTimestamp": utc(ms), "annotations": {"authorization.k8s.io/decision": "allow"}});
        self.lines.push((LogKind::Audit, ms, record));
    }

    /// One object per kind and hour, in the directory of its shipping time.
    fn ship(mut self, bucket: &Path) {
        self.lines.sort_by_key(|(kind, ms, _)| (*kind, *ms));
        let hour = |ms: i64| ms.div_euclid(60 * MINUTE);
        for same in self
            .lines
            .chunk_by(|a, b| (a.0, hour(a.1)) == (b.0, hour(b.1)))
        {
            let shipped = (hour(same[0].1) + 1) * 60 * MINUTE;
            let at = Moment::new(shipped, &zone()).civil();
            let folder = bucket
                .join(same[0].0.as_str())
                .join(at.strftime("%Y/%m/%d/%H").to_string());
            fs::create_dir_all(&folder).expect("folder");
            let name = at.strftime("%Y%m%d%H%M_000_132612782.gz").to_string();
            let file = fs::File::create(folder.join(name)).expect("object");
            let mut gzip = GzEncoder::new(file, Compression::fast());
            for (_, _, record) in same {
                writeln!(gzip, "{record}").expect("line");
            }
            gzip.finish().expect("gzip");
        }
    }
}

fn zone() -> TimeZone {
    TimeZone::get("Asia/Shanghai").expect("zone")
}

fn the_day() -> Story {
    let day: Day = DAY.parse().expect("day");
    let mut it = Story {
        start_ms: day.range(&zone()).start_ms,
        lines: Vec::new(),
    };
    for n in 0..288 {
        let text = format!(
            "2026-11-20 order O{:06} accepted, cost={}ms",
            n * 37 + 1000,
            n % 90 + 4
        );
        it.says(
            it.at(0, n * 5),
            "shop",
            "orders-6f7c9d8b5d-t5vqn",
            "orders",
            &text,
        );
    }

    pods_that_cannot_run(&mut it);
    a_claim_without_its_class(&mut it);
    autoscalers(&mut it);
    for n in 0..70 {
        let ms = it.at(17, n * 6);
        let clock = Moment::new(ms, &zone())
            .civil()
            .strftime("%m%d %H:%M:%S")
            .to_string();
        it.says(ms, "kube-system", "tke-monitor-agent-4jzx8", "tke-monitor-agent",
            &format!("E{clock}.482913       1 reporter.go:117] failed to push metrics to http://169.254.0.40:80/v1/report: Post \"http://169.254.0.40:80/v1/report\": dial tcp 169.254.0.40:80: i/o timeout"));
    }
    it
}

fn pods_that_cannot_run(it: &mut Story) {
    it.image(
        it.at(9, 12),
        "default",
        "config-app-6d4cf56db6-mz7kp",
        "my-registry.tencentcloudcr.com/app/config-app:v1.2.0",
        "my-registry.tencentcloudcr.com/app/config-app:v1.2.0: not found",
    );
    it.image(
        it.at(9, 31),
        "default",
        "robot-service-5b8d7f9c6c-2xw9d",
        "registry.example.com/robot-service:v1.0.0",
        "registry.example.com/robot-service:v1.0.0: not found",
    );

    // A pod of a DaemonSet wants one node only, so that all others are said not to match.
    it.cannot_schedule(it.at(7, 3), "kube-system", "node-problem-detector-8xk2v",
        "0/6 nodes are available: 1 Insufficient memory, 5 node(s) didn't match Pod's node affinity/selector. preemption: 0/6 nodes are available: 1 No preemption victims found for incoming pod, 5 Preemption is not helpful for scheduling.");
    it.cannot_schedule(it.at(10, 40), "web", "nginx-7c79c4bf97-p9wgr",
        "0/6 nodes are available: 6 node(s) didn't match Pod's node affinity/selector. preemption: 0/6 nodes are available: 6 Preemption is not helpful for scheduling.");
}

fn a_claim_without_its_class(it: &mut Story) {
    let claim = json!({"kind": "PersistentVolumeClaim", "apiVersion": "v1", "metadata": {"name": "mysql-pv-claim", "namespace": "data", "uid": uid("mysql-pv-claim")},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "20Gi"}}, "storageClassName": "cbs-ssd-fast", "volumeMode": "Filesystem"}, "status": {"phase": "Pending"}});
    it.wrote(
        it.at(11, 20),
        "create",
        201,
        ["persistentvolumeclaims", ""],
        &claim,
    );
    let mysql = json!({"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "mysql", "namespace": "data", "uid": uid("mysql")},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "mysql"}}, "template": {"metadata": {"labels": {"app": "mysql"}}, "spec": {
            "containers": [{"name": "mysql", "image": "ccr.ccs.tencentyun.com/data/mysql:8.0", "volumeMounts": [{"name": "data", "mountPath": "/var/lib/mysql"}]}],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "mysql-pv-claim"}}]}}}});
    it.wrote(
        it.at(11, 21),
        "create",
        201,
        ["deployments", "apps"],
        &mysql,
    );
    it.keeps(
        it.at(11, 20) + 900,
        2,
        ["PersistentVolumeClaim", "data", "mysql-pv-claim"],
        [
            "Warning",
            "ProvisioningFailed",
            "persistentvolume-controller",
            "storageclass.storage.k8s.io \"cbs-ssd-fast\" not found",
        ],
    );
    it.cannot_schedule(it.at(11, 21) + 900, "data", "mysql-66f5c5c8d9-lk4jt",
        "0/6 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/6 nodes are available: 6 Preemption is not helpful for scheduling.");
}

/// One has no metrics, the other no room.
fn autoscalers(it: &mut Story) {
    let no_metrics = "unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server is currently unable to handle the request (get pods.metrics.k8s.io)";
    for (ns, name) in [
        ("default", "hpa-robot-service"),
        ("kube-system", "tke-kube-state-metrics"),
    ] {
        let of = ["HorizontalPodAutoscaler", ns, name];
        it.keeps(
            it.at(13, 2),
            5,
            of,
            [
                "Warning",
                "FailedGetResourceMetric",
                "horizontal-pod-autoscaler",
                &format!("failed to get cpu utilization: {no_metrics}"),
            ],
        );
        it.keeps(it.at(13, 2), 5, of, ["Warning", "FailedComputeMetricsReplicas", "horizontal-pod-autoscaler",
            &format!("invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: failed to get cpu utilization: {no_metrics}")]);
    }

    let waiting = "report-worker-84b6c9d7f5-hh2zc";
    it.cannot_schedule(it.at(15, 8), "batch", waiting,
        "0/6 nodes are available: 6 Insufficient cpu. preemption: 0/6 nodes are available: 6 No preemption victims found for incoming pod.");
    it.keeps(
        it.at(15, 8) + 9000,
        5,
        ["Pod", "batch", waiting],
        [
            "Normal",
            "NotTriggerScaleUp",
            "cluster-autoscaler",
            "pod didn't trigger scale-up: 1 max node group size reached",
        ],
    );
}

#[tokio::test]
async fn one_broadcast_names_all_six_what_to_do_first_and_asks() {
    let dir = TempDir::new().expect("folder");
    the_day().ship(&dir.path().join("bucket"));
    let server = over_bucket::serve(dir.path(), Manner::default()).await;
    let client = server.client(ROBOT, Era::Handshake).await;
    let ask = json!({ "date": DAY });
    told(&client, "summarize_day", ask.clone()).await;
    let task = server
        .desk
        .rounds
        .running(&owner("demo"), DAY.parse().expect("day"));
    if let Some(task) = task {
        task.wait().await;
    }
    let (text, failed) = told(&client, "summarize_day", ask).await;
    let heard = text.split(MARK).next().unwrap_or_default().trim_end();
    assert!(!failed && heard.chars().count() <= 400, "{text}");
    for problem in [
        "config-app和robot-service 镜像标签不存在",
        "node-problem-detector 内存不够",
        "nginx 节点亲和性不满足",
        "mysql-pv-claim 存储类不存在",
        "report-worker 节点组到上限",
        // Two autoscalers complain: what they share is to blame.
        "metrics-server 自动扩缩容拿不到指标",
        "tke-monitor-agent 监控组件连不上后端",
    ] {
        assert!(heard.contains(problem), "{problem}: {heard}");
    }
    // The pod that waits for its volume is no problem of its own: the class behind the claim is.
    assert!(heard.contains("第六") && !heard.contains("没念"), "{heard}");
    assert!(
        heard.contains("马上处理") && heard.contains("建议先"),
        "{heard}"
    );
    assert!(heard.ends_with('？'), "{heard}");
}
