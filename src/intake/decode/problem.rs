//! Why an object could not be read to its end, in words for the operator.
//!
//! In: nothing. Out: a stable code and a sentence that says what to do. Always true: [`Problem::code`] never changes for a
//! variant, so that programs may branch on it.

use crate::model::Lang;

/// What kept us from reading an object to its end. Lines before it have been read and count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Problem {
    /// The compressed data ends before its end: an upload or a download was cut.
    Truncated,
    /// The compressed data contradicts itself (checksum, block structure).
    Damaged,
    /// More decompressed bytes than [`super::Limits::object_bytes`].
    TooBig,
    Lzo,
    Zstd,
    Parquet,
    /// Text whose lines are no JSON objects and no CSV with a header: CLS's 原文投递, where time, pod and record borders are lost.
    NoMetadata,
    /// None of the forms that CLS writes.
    UnknownForm,
}

impl Problem {
    /// A name for programs, as in `truncated`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::Damaged => "damaged",
            Self::TooBig => "too_big",
            Self::Lzo => "lzo",
            Self::Zstd => "zstd",
            Self::Parquet => "parquet",
            Self::NoMetadata => "no_metadata",
            Self::UnknownForm => "unknown_form",
        }
    }

    /// What is wrong with the object and what to do about it.
    #[must_use]
    pub const fn sentence(self, lang: Lang) -> &'static str {
        match lang {
            Lang::Zh => self.zh(),
            Lang::En => self.en(),
        }
    }

    const fn zh(self) -> &'static str {
        match self {
            Self::Truncated => {
                "压缩数据不完整，文件被截断，断点之前的行已经读入；请检查投递任务，必要时重新投递。"
            }
            Self::Damaged => "压缩数据已损坏，损坏之前的行已经读入；请重新投递这个文件。",
            Self::TooBig => "解压后超过上限，可能不是日志文件；超出的部分没有读。",
            Self::Lzo => {
                "文件是 lzop 压缩，本程序不读；请把 CLS 投递任务的压缩方式改成 gzip 或不压缩。"
            }
            Self::Zstd => "文件是 zstd 压缩，CLS 投递不会这样写；请改成 gzip 或不压缩。",
            Self::Parquet => {
                "文件是 Parquet 格式，本程序不读；请把 CLS 投递任务的投递格式改成 JSON。"
            }
            Self::NoMetadata => {
                "文件里的行既不是 JSON，也没有 CSV 表头（原文投递会丢掉时间和 Pod 信息）；请把 CLS 投递任务的投递格式改成 JSON。"
            }
            Self::UnknownForm => {
                "认不出文件的格式，不是 gzip、snappy、JSON 或 CSV；请确认前缀下只有 CLS 投递的日志。"
            }
        }
    }

    const fn en(self) -> &'static str {
        match self {
            Self::Truncated => {
                "the compressed data was cut; the lines before the cut were read; check the shipping task and ship it again if needed"
            }
            Self::Damaged => {
                "the compressed data is damaged; the lines before the damage were read; ship the object again"
            }
            Self::TooBig => {
                "larger than the limit once decompressed, so it may be no log; the rest was not read"
            }
            Self::Lzo => {
                "compressed with lzop, which is not read; set the CLS shipping task's compression to gzip or none"
            }
            Self::Zstd => {
                "compressed with zstd, which CLS shipping does not write; use gzip or none"
            }
            Self::Parquet => {
                "in Parquet format, which is not read; set the CLS shipping task's format to JSON"
            }
            Self::NoMetadata => {
                "its lines are neither JSON nor CSV with a header (raw shipping loses time and pod); set the CLS shipping task's format to JSON"
            }
            Self::UnknownForm => {
                "in none of the forms gzip, snappy, JSON, CSV; make sure that only CLS ships below the prefix"
            }
        }
    }
}
