package column

import (
	"testing"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

func TestSelectsAll(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"SELECT * FROM parcels WHERE id = $1":   true,
		"UPDATE parcels SET a = 1 RETURNING *":  true,
		"SELECT p.* FROM parcels p":             true,
		"SELECT id, notes FROM parcels":         false,
		"func (Parcel) TableName() { parcels }": false,
		"INSERT INTO parcels (id) VALUES ($1)":  false,
	} {
		u := rule.Usage{Known: true, Used: true, Evidence: []onward.Evidence{{Kind: "code", Text: "SELECT id FROM parcels"}, {Kind: "code", Text: text}}}
		if got := selectsAll(u); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}
