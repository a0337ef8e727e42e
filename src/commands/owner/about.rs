//! What can be said of an owner besides the key, as arguments of `gengfu owner add` and `set`.

use secrecy::{ExposeSecret as _, SecretString};

use jiff::civil::Time;

use crate::{
    commands::{Failure, prompt},
    model::{BucketUrl, Lang, LogKind, LogPrefix, Places},
    owners::Owner,
};

#[derive(Debug, clap::Args)]
pub(super) struct AboutArgs {
    /// How people call the owner; may be given several times
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,
    /// Name that voiceprint recognition gives; may be given several times
    #[arg(long, value_name = "NAME")]
    voiceprint: Vec<String>,
    /// Region of the owner's clusters and bucket
    #[arg(long)]
    region: Option<String>,
    /// cos://BUCKET-APPID or file:///absolute/dir; without it, the bucket is discovered
    #[arg(long, value_name = "URL")]
    bucket: Option<BucketUrl>,
    /// Prefix of the business logs; may be given several times
    #[arg(long, value_name = "PREFIX")]
    business_prefix: Vec<LogPrefix>,
    /// Prefix of the event logs; may be given several times
    #[arg(long, value_name = "PREFIX")]
    event_prefix: Vec<LogPrefix>,
    /// Prefix of the audit logs; may be given several times
    #[arg(long, value_name = "PREFIX")]
    audit_prefix: Vec<LogPrefix>,
    /// When this owner's round begins, e.g. 02:30
    #[arg(long, value_name = "HH:MM")]
    run_at: Option<Time>,
    /// Ask for a code that must be spoken to switch to this owner
    #[arg(long)]
    code: bool,
}

impl AboutArgs {
    /// The code that is to be spoken, asked for where one is wanted.
    pub(super) fn code(&self, lang: Lang) -> Result<Option<SecretString>, Failure> {
        if !self.code {
            return Ok(None);
        }
        let question = lang.pick("口令（说出来的那几个字或数字）：", "Spoken code:");
        let code = prompt::ask_secret(question)?;
        Ok(Some(code).filter(|c| !c.expose_secret().is_empty()))
    }
}

impl From<AboutArgs> for Owner {
    fn from(args: AboutArgs) -> Self {
        let prefixes = [
            (LogKind::Business, args.business_prefix),
            (LogKind::Event, args.event_prefix),
            (LogKind::Audit, args.audit_prefix),
        ];
        Self {
            spoken: args.name,
            voiceprints: args.voiceprint,
            region: args.region.unwrap_or_default(),
            places: Places {
                bucket: args.bucket,
                prefixes: prefixes
                    .into_iter()
                    .filter(|(_, list)| !list.is_empty())
                    .collect(),
                ..Places::default()
            },
            run_at: args.run_at,
            ..Self::default()
        }
    }
}
