package workload

import (
	"crypto/sha256"
	"encoding/hex"
)

// Fingerprint is the ID of a query: of its text as Normalise gives it, the search path
// and the role.
func Fingerprint(sql, searchPath, role string) string {
	h := sha256.New()
	for _, s := range []string{sql, searchPath, role} {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
