package confine

import (
	"crypto/rand"
	"encoding/binary"
)

// NewMark returns a random number that marks the processes of one program; see MarkLimit.
func NewMark() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint64(b[:]) >> 2
}
