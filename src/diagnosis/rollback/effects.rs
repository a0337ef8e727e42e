//! What a rollback touches, and how to see that it worked.
//!
//! In: a change and the object model. Out: sentences, and commands that only read or restart. Always true: at most a handful of
//! names are told and the rest is counted; names in commands come from [`Target`]. Does not decide anything.

use serde_json::Value;

use super::{
    shell::{self, Target},
    words::{TOLD_NAMES, Words, told, visible},
};
use crate::{diagnosis::changes::ChangeClass, model::ObjectRef};

impl Words<'_> {
    /// What else is touched.
    pub(super) fn blast_radius(&self) -> String {
        let object = &self.change.object;
        let replaced = self.change.classes.iter().any(|c| c.replaces_pods());
        let kind = object.kind.as_str();
        match kind {
            "PersistentVolumeClaim" => {
                let users: Vec<_> = self.objects.users_of(object).cloned().collect();
                self.pick(
                    self.names("用到它的: ", &users, "日志里没有看到谁在用它"),
                    self.names("used by ", &users, "no user of it is seen in the logs"),
                )
            }
            "ConfigMap" | "Secret" | "ServiceAccount" => {
                let users: Vec<_> = self.objects.users_of(object).cloned().collect();
                self.pick(
                    format!(
                        "{}，环境变量方式引用的要重启才生效",
                        self.names("用到它的：", &users, "日志里没有看到谁在用它")
                    ),
                    format!(
                        "{}; who reads it as environment variables must be restarted",
                        self.names("used by ", &users, "no user of it is seen in the logs")
                    ),
                )
            }
            "Service" => {
                let behind = self.objects.workloads_behind(object);
                let callers: Vec<_> = self
                    .objects
                    .calls_to(object)
                    .map(|c| c.from.clone())
                    .collect();
                self.pick(
                    format!(
                        "{}，{}；不会重启 Pod",
                        self.names("后端是 ", &behind, "没有看到后端"),
                        self.names("调用方有 ", &callers, "没有看到调用方")
                    ),
                    format!(
                        "{}, {}; no pod is restarted",
                        self.names("its backends are ", &behind, "no backend is seen"),
                        self.names("called by ", &callers, "no caller is seen")
                    ),
                )
            }
            "Node" => {
                let pods = self.objects.pods_on(&object.name).count();
                self.pick(format!("影响这个节点以后的调度，现有 Pod 不动（当天见过 {pods} 个）"), format!("changes what the node takes from now on; its pods stay ({pods} seen that day)"))
            }
            "ResourceQuota" | "LimitRange" | "NetworkPolicy" => {
                let namespace = visible(&object.namespace);
                self.pick(
                    format!("对命名空间 {namespace} 里的所有 Pod 生效，不会重启 Pod"),
                    format!("holds for every pod of namespace {namespace}; no pod is restarted"),
                )
            }
            "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding" => self
                .pick(
                    "权限立即生效，不会重启 Pod",
                    "permissions change at once; no pod is restarted",
                )
                .to_owned(),
            _ if self.change.what == ChangeClass::Replicas => self.replicas(),
            _ if replaced => self.pods_replaced(),
            _ => self.pick(
                format!("只影响 {}", told(object)),
                format!("touches {} only", told(object)),
            ),
        }
    }

    fn replicas(&self) -> String {
        let (old, new) = self.change.sides("/spec/replicas");
        let count = |side: Option<&Value>| {
            side.and_then(Value::as_u64)
                .map_or("?".to_owned(), |n| n.to_string())
        };
        let (old, new) = (count(old), count(new));
        self.pick(
            format!("副本数从 {new} 回到 {old}，只增减差额的 Pod"),
            format!("replicas go from {new} to {old}; only the difference is started or stopped"),
        )
    }

    fn pods_replaced(&self) -> String {
        let object = &self.change.object;
        let workload = self
            .objects
            .workload_of(object)
            .unwrap_or_else(|| object.clone());
        let body = self.change.after.as_deref();
        let replicas = body
            .and_then(|b| b.pointer("/spec/replicas"))
            .and_then(Value::as_u64);
        let count = replicas.map_or_else(
            || self.objects.pods_of(&workload).count().to_string(),
            |n| n.to_string(),
        );
        let callers: Vec<_> = self
            .objects
            .calls_to(&workload)
            .map(|c| c.from.clone())
            .collect();
        let strategy = body
            .and_then(|b| b.pointer("/spec/strategy/type"))
            .and_then(Value::as_str);
        let how = if strategy == Some("Recreate") {
            self.pick(
                "先全停再启动，期间服务中断",
                "all are stopped before new ones start, so it is down meanwhile",
            )
        } else {
            self.pick("逐个替换", "one after another")
        };
        let callers = self.names(
            self.pick("调用方有 ", "called by "),
            &callers,
            self.pick("没有看到调用方", "no caller is seen"),
        );
        match object.kind.as_str() {
            "CronJob" => self.pick(
                "从下一次运行开始生效".to_owned(),
                "holds from the next run on".to_owned(),
            ),
            _ => self.pick(
                format!(
                    "{} 的 {count} 个 Pod 会重建（{how}），{callers}",
                    told(object)
                ),
                format!(
                    "the {count} pods of {} are made anew ({how}); {callers}",
                    told(object)
                ),
            ),
        }
    }

    /// Commands and signs that show whether it worked.
    pub(super) fn verify(&self, target: Option<&Target>) -> Vec<String> {
        let Some(target) = target else {
            return Vec::new();
        };
        let object = &self.change.object;
        let mut out = Vec::new();
        match object.kind.as_str() {
            "Deployment" | "StatefulSet" | "DaemonSet"
                if self.change.what != ChangeClass::Create =>
            {
                out.push(
                    target.plain(&format!("rollout status {} --timeout=5m", target.slashed())),
                );
            }
            "Service" => {
                out.push(target.plain(&format!("get endpoints {}", shell::quoted(&object.name))));
            }
            "Node" => out.push(target.command("describe", "")),
            "ConfigMap" | "Secret" => {
                for user in self.objects.users_of(object).take(TOLD_NAMES) {
                    if let Some(user) = Target::of(
                        &ObjectRef {
                            namespace: object.namespace.clone(),
                            ..user.clone()
                        },
                        self.change.write,
                    ) {
                        out.push(user.plain(&format!("rollout restart {}", user.slashed())));
                    }
                }
            }
            _ => out.push(target.command("get", "")),
        }
        out.push(
            self.pick(
                "相关的错误和 Warning 事件不再增加",
                "its errors and Warning events stop",
            )
            .to_owned(),
        );
        out
    }

    fn names(&self, before: &str, objects: &[ObjectRef], none: &str) -> String {
        let mut names: Vec<String> = objects.iter().map(told).collect();
        names.sort();
        names.dedup();
        if names.is_empty() {
            return none.to_owned();
        }
        let cut = names.len().saturating_sub(TOLD_NAMES);
        names.truncate(TOLD_NAMES);
        let more = if cut == 0 {
            String::new()
        } else {
            self.pick(format!(" 等，另有 {cut} 个"), format!(" and {cut} more"))
        };
        format!("{before}{}{more}", names.join(self.pick("、", ", ")))
    }
}
