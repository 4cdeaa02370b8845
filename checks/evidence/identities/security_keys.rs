//! Security keys (FIDO devices) that are plugged in: looked for, never spoken to.

use crate::evidence::configuration::Effective;

/// How many there are, where this can be seen. `ssh` itself looks for them the same way (libfido2,
/// `hid_linux.c`): among the raw input devices, by the usage page that they announce.
#[cfg(target_os = "linux")]
pub fn plugged_in(effective: &Effective) -> Option<usize> {
    // Another library or helper may reach devices elsewhere: at a phone, or in Windows around WSL.
    let own = effective.security_key_provider.as_deref() == Some("internal");
    if !own || std::env::var_os("SSH_SK_HELPER").is_some() {
        return None;
    }
    // Without /sys nothing can be seen; without this folder in it the kernel has no such device.
    std::fs::read_dir("/sys/class").ok()?;
    let Ok(devices) = std::fs::read_dir("/sys/class/hidraw") else { return Some(0) };
    let descriptors = devices
        .filter_map(Result::ok)
        .filter_map(|device| std::fs::read(device.path().join("device/report_descriptor")).ok());
    Some(descriptors.filter(|descriptor| is_fido(descriptor)).count())
}

/// How many there are: not looked for on other systems.
#[cfg(not(target_os = "linux"))]
pub fn plugged_in(_effective: &Effective) -> Option<usize> {
    None
}

/// Whether a report descriptor announces the usage page of FIDO, 0xf1d0 (CTAP, section 8.1.8.2).
#[cfg(target_os = "linux")]
fn is_fido(descriptor: &[u8]) -> bool {
    descriptor.windows(3).any(|item| item == [0x06, 0xd0, 0xf1])
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::is_fido;

    #[test]
    fn a_security_key_is_told_from_a_keyboard() {
        // The first bytes of a YubiKey's two descriptors: FIDO, and keyboard.
        assert!(is_fido(&[0x06, 0xd0, 0xf1, 0x09, 0x01, 0xa1, 0x01]));
        assert!(!is_fido(&[0x05, 0x01, 0x09, 0x06, 0xa1, 0x01]));
    }
}
