//! Registers sqlite-vec with every connection this process opens. The only `unsafe` of the crate.

use std::sync::Once;

use rusqlite::ffi;

/// Must have run before the first connection is opened; runs once.
#[expect(
    unsafe_code,
    reason = "an SQLite extension that is linked in has no other way to be registered"
)]
pub(super) fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        type Init = unsafe extern "C" fn(
            *mut ffi::sqlite3,
            *mut *mut std::ffi::c_char,
            *const ffi::sqlite3_api_routines,
        ) -> std::ffi::c_int;
        // SAFETY: `sqlite3_vec_init` is declared without its parameters by the binding; its C definition has exactly the type
        // of an extension entry point (sqlite-vec.c, `SQLITE_VEC_API int sqlite3_vec_init`), and it is only called by SQLite.
        unsafe {
            let init: Init = std::mem::transmute(sqlite_vec::sqlite3_vec_init as *const ());
            ffi::sqlite3_auto_extension(Some(init));
        }
    });
}
