//! An honest word about how hard a password is to guess.

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Debug)]
pub enum Strength {
    None,
    Weak,
    Fair,
    Strong,
}

impl Strength {
    pub fn is_weak(self) -> bool {
        self <= Self::Weak
    }
}

/// Bits by length and kinds of characters: a rough guess that errs on the careful side. Repeated characters count
/// once in four.
pub fn strength(password: &str) -> Strength {
    let mut kinds = [false; 4];
    let mut effective = 0.0;
    let mut last = None;
    for character in password.chars() {
        let kind = match character {
            'a'..='z' => 0,
            'A'..='Z' => 1,
            '0'..='9' => 2,
            _ => 3,
        };
        kinds[kind] = true;
        effective += if last == Some(character) { 0.25 } else { 1.0 };
        last = Some(character);
    }
    let alphabet: f64 =
        kinds.iter().zip([26.0, 26.0, 10.0, 32.0]).filter(|(used, _)| **used).map(|(_, size)| size).sum();
    match effective * alphabet.max(1.0).log2() {
        0.0 => Strength::None,
        bits if bits < 45.0 => Strength::Weak,
        bits if bits < 70.0 => Strength::Fair,
        _ => Strength::Strong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strength_grows_with_length_and_variety() {
        assert_eq!(strength(""), Strength::None);
        assert_eq!(strength("summer1"), Strength::Weak);
        assert_eq!(strength("aaaaaaaaaaaaaaaaaaaa"), Strength::Weak);
        assert_eq!(strength("Summer-2026"), Strength::Fair);
        assert_eq!(strength("correct horse battery staple"), Strength::Strong);
    }
}
