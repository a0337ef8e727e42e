//! What a diagnosis says, as pairs of sentences with blanks.
//!
//! In: nothing. Out: the table of [`said`](super::said). Always true: both sides of a pair have the same blanks. A sentence that is not here stays in
//! the language that it was made in.

/// Blanks: `{1}` is kept, `{w1}` must be ours too (`{g1}`: as long as can be), `{l1}` is a list of names.
pub(super) const SENTENCES: [(&str, &str); 77] = [
    // Titles of findings.
    ("{1} 返回服务端错误", "{1} answers with server errors"),
    (
        "{1} 调用 {2} 返回服务端错误",
        "{1} calls to {2} get server errors",
    ),
    ("{1} 调用 {2} {w3}", "{1} calls to {2} {w3}"),
    ("{1} 对外调用{w2}", "{1} calls {w2}"),
    ("{1} {2} 的请求被拒绝", "{1} requests of {2} are refused"),
    ("{1} 出现 {2} 事件", "{1} has {2} events"),
    ("{1} 报错", "{1} errors"),
    ("{1} 在 {2} 修改了 {3}", "{1} changed {3} at {2}"),
    ("{1} 在 {2} 新建了 {3}", "{1} created {3} at {2}"),
    ("{1} 在 {2} 删除了 {3}", "{1} deleted {3} at {2}"),
    ("{1} 在 {2} 驱逐了 {3}", "{1} evicted {3} at {2}"),
    ("{1} 在 {3} 修改了 {2}", "{1} patch {2} at {3}"),
    ("{1} 在 {3} 修改了 {2}", "{1} update {2} at {3}"),
    ("{1} 在 {3} 新建了 {2}", "{1} create {2} at {3}"),
    ("{1} 在 {3} 删除了 {2}", "{1} delete {2} at {3}"),
    // What would be undone.
    (
        "删除 {1} 新建的 {2}",
        "delete {2}, which was created at {1}",
    ),
    (
        "把 {1} 被删除的 {2} 重新建回来",
        "create {2} again, which was deleted at {1}",
    ),
    (
        "把 {1} 的{w2}恢复到 {3} 改动之前",
        "take {g2} of {1} back to before {3}",
    ),
    (
        "把 {1} 的{w2}从 {3} 改回 {4}",
        "set {g2} of {1} back from {3} to {4}",
    ),
    ("{w1}、{w2}", "{w1}, {w2}"),
    // Who, and what happened since.
    ("账号 {1} ", "account {1}"),
    ("流水线 {1} ", "pipeline {1}"),
    ("控制器 {1} ", "controller {1}"),
    (
        "已经由{w1}在 {2} 改回，不需要再回滚",
        "{w1} put it back at {2}, no rollback is needed any more",
    ),
    (
        "已经由{w1}在 {2} 改回了一部分，剩下的先核对再决定",
        "{w1} put part of it back at {2}: look at the rest before touching it",
    ),
    (
        "这个对象在 {2} 又被{w1}改过，不能照原样撤销，先核对现在的内容",
        "{w1} changed the object again at {2}, so it cannot simply be taken back: compare with what stands there now",
    ),
    (
        "这个对象在 {2} 已被{w1}删除，没有可以改回的东西",
        "{w1} deleted the object at {2}, there is nothing to take back",
    ),
    (
        "这个对象后来被删除，{2} 由{w1}重新建过，已经不是改动时的那一个，先核对现在的内容",
        "the object was deleted since and {w1} created it again at {2}, so it is another one: compare with what stands there now",
    ),
    (
        "它后来重新建过，{2} 又被{w1}删除，要看的是后一次删除",
        "it was created again since, and {w1} deleted it once more at {2}: look at that deletion",
    ),
    (
        "改动之后这个对象今天又被改过,不能照原样撤销",
        "the object was changed again, so the change cannot simply be taken back",
    ),
    // Why there is no command, and what must hold before.
    (
        "日志里的对象名不是合法的 Kubernetes 名字，不给出命令，请先人工核对",
        "the name in the log is no Kubernetes name, so no command is given: check by hand first",
    ),
    (
        "审计日志不记录它的内容（变动的键：{l1}），给不出命令，要从代码库、配置中心或备份取改动前的内容再写回",
        "the audit log does not hold its content (keys that changed: {l1}), so no command can be given: take the earlier content from the repository or a backup and write it back",
    ),
    (
        "审计日志不记录它的内容，给不出命令，要从代码库、配置中心或备份取改动前的内容再写回",
        "the audit log does not hold its content, so no command can be given: take the earlier content from the repository or a backup and write it back",
    ),
    (
        "日志里没有它改动之前的完整内容，给不出命令，先从代码库或备份找到旧内容",
        "the logs do not hold its full state before the change, so no command can be given: find the earlier state in the repository or a backup",
    ),
    (
        "在这次改动之前还有改动没有记进审计日志，不知道改动前的完整内容，给不出命令，先从代码库或备份找到旧内容",
        "writes before this one are missing from the audit log, so its full state before is not known and no command can be given: find the earlier state in the repository or a backup",
    ),
    (
        "kubectl 连的是集群 {1}",
        "the current context is cluster {1}",
    ),
    (
        "这是流水线做的改动，代码库或发布配置也要同时改回，不然下次同步会再带上",
        "a pipeline made this change: take it back in its repository too, or the next sync brings it again",
    ),
    (
        "{1} 会接管副本数，改回后以它为准",
        "{1} scales this workload and has the last word",
    ),
    (
        "它还没有绑定存储卷，里面没有数据：{1} 应当是 Pending，否则不要删除",
        "no volume is bound to it, so it holds no data: {1} gives Pending, else do not delete it",
    ),
    (
        "它还没有被重新建起来：{1} 应当回答 NotFound",
        "nobody created it again: {1} answers NotFound",
    ),
    (
        "{1} 之后没有人再改过它：{2} 应当是 {3}",
        "nobody changed it after {1}: {2} gives {3}",
    ),
    ("{1} 之后没有人再改过它", "nobody changed it after {1}"),
    // What else is touched, and how to see that it worked.
    (
        "{1} 的 {2} 个 Pod 会重建（{w3}），{w4}",
        "the {2} pods of {1} are made anew ({w3}); {w4}",
    ),
    ("逐个替换", "one after another"),
    (
        "先全停再启动，期间服务中断",
        "all are stopped before new ones start, so it is down meanwhile",
    ),
    ("调用方有 {l1}", "called by {l1}"),
    ("没有看到调用方", "no caller is seen"),
    ("用到它的: {l1}", "used by {l1}"),
    (
        "{w1}，环境变量方式引用的要重启才生效",
        "{w1}; who reads it as environment variables must be restarted",
    ),
    ("用到它的：{l1}", "used by {l1}"),
    (
        "日志里没有看到谁在用它",
        "no user of it is seen in the logs",
    ),
    ("从下一次运行开始生效", "holds from the next run on"),
    (
        "副本数从 {1} 回到 {2}，只增减差额的 Pod",
        "replicas go from {1} to {2}; only the difference is started or stopped",
    ),
    (
        "对命名空间 {1} 里的所有 Pod 生效，不会重启 Pod",
        "holds for every pod of namespace {1}; no pod is restarted",
    ),
    ("只影响 {1}", "touches {1} only"),
    (
        "相关的错误和 Warning 事件不再增加",
        "its errors and Warning events stop",
    ),
    // What else it could have been, and what would decide.
    ("是 {1} {w2}的结果", "follows from {1}: {w2}"),
    (
        "只改了标签或注解，对运行没有影响",
        "only labels or annotations, without effect",
    ),
    (
        "时间挨着，但改的不是出错的地方",
        "at about the same time, but it touches another field",
    ),
    (
        "早了 {1} 分钟，之后一直正常，改的也不是出错的地方",
        "{1} minutes earlier, all was well afterwards, and it touches another field",
    ),
    (
        "日志里看不出改的对象和这个问题有联系",
        "the logs show no link between the changed object and this",
    ),
    (
        "没有能证实原因的报错或改动",
        "no error or change that proves the cause",
    ),
    // Of kinds that are seldom changed.
    (
        "用到它的：{l1}，环境变量方式引用的要重启才生效",
        "used by {l1}; who reads it as environment variables must be restarted",
    ),
    (
        "{w1}，{w2}；不会重启 Pod",
        "{w1}, {w2}; no pod is restarted",
    ),
    ("后端是 {l1}", "its backends are {l1}"),
    ("没有看到后端", "no backend is seen"),
    (
        "影响这个节点以后的调度，现有 Pod 不动（当天见过 {1} 个）",
        "changes what the node takes from now on; its pods stay ({1} seen that day)",
    ),
    (
        "权限立即生效，不会重启 Pod",
        "permissions change at once; no pod is restarted",
    ),
    (
        "这是自定义资源，它背后的东西由别的控制器管理，删除时可能已经清理，重建不一定找得回来，先核对再从备份或代码库恢复",
        "this is a custom resource: its controller may have removed what stood behind it, and creating it again need not bring that back. Check first, then restore it from a backup or the repository",
    ),
    (
        "新版本可能已经升级了数据目录，旧版本读不了会损坏数据：先确认旧版本能读现在的数据，并做好备份",
        "the new version may have upgraded the data directory, and an older one can corrupt what it cannot read: make sure that it can read the data as they are, and have a backup",
    ),
    (
        "改动之前的内容没有记录，说不准改了什么",
        "what stood there before is not on record, so what it changed is unknown",
    ),
    (
        "日志里没有改动之前的内容,不知道改了哪里",
        "the logs do not hold the state before the change, so what it changed is not known",
    ),
    (
        "审计日志缺少改动之前的写入记录,不知道改动前的内容",
        "writes before the change are missing from the audit log, so the state before it is not known",
    ),
    (
        "审计日志没有记下改动的内容",
        "the audit log does not show what was changed",
    ),
    ("这一天没有读到日志", "nothing could be read of this day"),
    ("这一轮被停下了", "the round was stopped"),
    (
        "等当天的日志分析好再看原因",
        "look again when that day's logs are analysed",
    ),
];
