package audit

import (
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/onward"
)

// duration says for how long the locks are held: for an instant, for as long
// as a table is big, or for as long as others take.
func duration(effects []onward.Effect, r effect.Result) string {
	out := "instant"
	for i := range effects {
		switch {
		case effects[i].New:
		case r.Effects[i].Waits:
			return "waits"
		case effects[i].Work != onward.NoWork || r.Effects[i].Rows:
			out = "grows"
		}
	}
	if len(effects) == 0 {
		return ""
	}
	return out
}
