//! Answers the program's precompile requests (F2).
//!
//! **Invariant:** the answer is a function of the request alone; gas was settled by the program.

use alloy_primitives::{Address, U256};
use opal_execute::{Call, Crypto, Function, StateError};
use opal_program::wire::MAX_PREIMAGE_BYTES;

/// Why a request has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrecompileError {
    /// Fewer bytes than address and gas take.
    #[error("precompile request of {length} bytes is shorter than address and gas (28 bytes)")]
    TooShort {
        /// Bytes of the request.
        length: usize,
    },
    /// Not a contract that programs ask about.
    #[error("precompile request for {address}, which is no accelerated precompile")]
    Unknown {
        /// Whose answer was asked.
        address: Address,
    },
    /// MODEXP of numbers so long that the answer were no pre-image; who asks has paid less than that costs.
    #[error("modexp of a number of {length} bytes, at most {MAX_PREIMAGE_BYTES} are answered")]
    TooLong {
        /// What the request says; `u64::MAX` for more.
        length: u64,
    },
    /// The back end has no answer.
    #[error("precompile could not be computed: {0}")]
    Crypto(StateError),
}

/// Status and output for `precompile(20) ++ requiredGas(8) ++ input`: 1 and the output, or 0 alone when the call fails.
pub fn answer(request: &[u8], crypto: &mut impl Crypto) -> Result<Vec<u8>, PrecompileError> {
    let too_short = PrecompileError::TooShort { length: request.len() };
    let (address, rest) = request.split_first_chunk::<20>().ok_or(too_short)?;
    let (gas, input) = rest.split_first_chunk::<8>().ok_or(too_short)?;
    let address = Address::from(*address);
    let function = Function::ALL.into_iter().find(|it| it.address() == address);
    let function = function.ok_or(PrecompileError::Unknown { address })?;
    if function == Function::ModExp {
        check_lengths(input)?;
    }
    let call = Call { function, gas: u64::from_be_bytes(*gas), input };
    let output = crypto.call(call).map_err(PrecompileError::Crypto)?;
    Ok(output.map_or_else(|| vec![0], |output| [&[1], output.as_ref()].concat()))
}

/// The back end takes the room that the three lengths ask for without looking at the gas.
fn check_lengths(input: &[u8]) -> Result<(), PrecompileError> {
    for word in 0..3 {
        // What is missing is zeros.
        let start = 32 * word;
        let mut bytes = [0; 32];
        bytes.iter_mut().zip(input.iter().skip(start)).for_each(|(place, byte)| *place = *byte);
        let length = u64::try_from(U256::from_be_bytes(bytes)).unwrap_or(u64::MAX);
        if length > MAX_PREIMAGE_BYTES {
            return Err(PrecompileError::TooLong { length });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use opal_execute::RevmCrypto;

    #[test]
    fn a_request_that_names_no_precompile_is_refused() {
        let refused = answer(&[0x55; 40], &mut RevmCrypto);
        assert_eq!(refused, Err(PrecompileError::Unknown { address: Address::repeat_byte(0x55) }));
        assert_eq!(
            answer(&[0; 27], &mut RevmCrypto),
            Err(PrecompileError::TooShort { length: 27 })
        );
    }

    #[test]
    fn success_and_failure_differ_in_the_status() {
        let address = Function::Bn254Add.address();
        let request = |input: &[u8]| [address.as_slice(), &150_u64.to_be_bytes(), input].concat();
        let sum = answer(&request(&[]), &mut RevmCrypto).unwrap();
        assert_eq!((sum[0], sum.len()), (1, 65));
        assert_eq!(answer(&request(&[0xff; 64]), &mut RevmCrypto), Ok(vec![0]));
    }

    /// Found by the fuzz target `precompile`: the process was aborted for lack of memory.
    #[test]
    fn a_modexp_of_numbers_that_no_memory_holds_is_refused() {
        let head = [Function::ModExp.address().as_slice(), &u64::MAX.to_be_bytes()].concat();
        for place in 0..3 {
            let mut lengths = [U256::from(1); 3];
            lengths[place] = U256::from(0xc6_e400_0000_0000_u64);
            let words = lengths.map(|it| it.to_be_bytes::<32>()).concat();
            let refused = answer(&[head.as_slice(), &words].concat(), &mut RevmCrypto);
            let length = 0xc6_e400_0000_0000;
            assert_eq!(refused, Err(PrecompileError::TooLong { length }), "{place}");
        }
    }
}
