//! What the classes of changes are called when they are told.
//!
//! In: a [`ChangeClass`] and a language. Out: words that fit after "the change of" and after 改了. Always true: every class has
//! both names. Does not form sentences.

use super::ChangeClass;
use crate::model::Lang;

impl ChangeClass {
    /// The least harmful first.
    pub const ALL: [Self; 37] = [
        Self::Nothing,
        Self::Bookkeeping,
        Self::Label,
        Self::Other,
        Self::Restart,
        Self::Strategy,
        Self::PodSettings,
        Self::PodLabels,
        Self::Autoscaling,
        Self::Schedule,
        Self::Ingress,
        Self::StorageClass,
        Self::Claim,
        Self::Identity,
        Self::Command,
        Self::Volumes,
        Self::ContainerPorts,
        Self::Env,
        Self::ConfigData,
        Self::SecretData,
        Self::Scheduling,
        Self::Replicas,
        Self::Resources,
        Self::Probe,
        Self::Image,
        Self::Service,
        Self::ServicePorts,
        Self::ServiceSelector,
        Self::NetworkPolicy,
        Self::Rbac,
        Self::Quota,
        Self::Webhook,
        Self::Taint,
        Self::Cordon,
        Self::Eviction,
        Self::Create,
        Self::Delete,
    ];

    /// The spoken name of what was touched.
    #[must_use]
    pub const fn name(self, lang: Lang) -> &'static str {
        let (zh, en) = match self {
            Self::Nothing => ("内容没有变化", "nothing"),
            Self::Bookkeeping => ("内部字段", "internal fields"),
            Self::Label => ("标签或注解", "labels or annotations"),
            Self::Other => ("配置", "settings"),
            Self::Restart => ("重启标记", "the restart mark"),
            Self::Strategy => ("发布策略", "the rollout strategy"),
            Self::PodSettings => ("Pod 运行设置", "pod settings"),
            Self::PodLabels => ("Pod 的标签或注解", "labels or annotations of the pods"),
            Self::Autoscaling => ("自动扩缩设置", "autoscaling settings"),
            Self::Schedule => ("定时设置", "the schedule"),
            Self::Ingress => ("入口路由", "the route"),
            Self::StorageClass => ("存储类", "the storage class"),
            Self::Claim => ("存储卷声明", "the volume claim"),
            Self::Identity => ("运行身份或拉取凭证", "identity or pull secrets"),
            Self::Command => ("启动命令", "the command"),
            Self::Volumes => ("挂载卷", "volumes"),
            Self::ContainerPorts => ("容器端口", "container ports"),
            Self::Env => ("环境变量", "environment variables"),
            Self::ConfigData => ("配置内容", "configuration data"),
            Self::SecretData => ("密钥内容", "secret data"),
            Self::Scheduling => ("调度约束", "scheduling constraints"),
            Self::Resources => ("资源申请和上限", "requests and limits"),
            Self::Probe => ("健康检查", "probes"),
            Self::Image => ("镜像", "the image"),
            Self::Service => ("服务设置", "service settings"),
            Self::ServicePorts => ("服务端口", "service ports"),
            Self::ServiceSelector => ("服务选择器", "the service selector"),
            Self::NetworkPolicy => ("网络策略", "the network policy"),
            Self::Rbac => ("权限", "permissions"),
            Self::Quota => ("配额限制", "the quota"),
            Self::Webhook => ("准入规则", "the admission rule"),
            Self::Replicas => ("副本数", "the number of replicas"),
            Self::Taint => ("节点污点", "node taints"),
            Self::Cordon => ("节点可调度状态", "whether the node takes pods"),
            Self::Eviction => ("驱逐", "the eviction"),
            Self::Create => ("新建", "the creation"),
            Self::Delete => ("删除", "the deletion"),
        };
        match lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_all_in_their_order() {
        assert!(ChangeClass::ALL.is_sorted());
        for (n, class) in ChangeClass::ALL.into_iter().enumerate() {
            assert_eq!(class as usize, n);
        }
        let last = ChangeClass::ALL.last().copied();
        assert_eq!(last, Some(ChangeClass::Delete));
    }
}
