package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// PlanID returns a hash of a plan's steps and of the schema that it is for. It identifies a plan in the ledger. An older
// release hashed fewer values, so compare the IDs of two plans, and not an ID that an older release stored.
func PlanID(p *onward.Plan) string {
	sum := sha256.New()
	write := func(s string) { sum.Write([]byte(s + "\x00")) }
	write(p.Catalog)
	for i := range p.Steps {
		write(p.Steps[i].ID)
		write(StepChecksum(&p.Steps[i]))
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// StepChecksum returns a hash of a step's SQL, its other properties and its preconditions.
func StepChecksum(s *onward.PlanStep) string {
	parts := []string{string(s.Phase), string(s.Class), s.SQL, s.Check, s.Undo, string(s.Transaction), fmt.Sprint(s.Repeat)}
	for _, r := range s.Requires {
		parts = append(parts, string(r.Kind), r.Step)
	}
	for _, m := range s.Marks {
		parts = append(parts, m.Marks, m.Table)
	}
	if b := s.Backfill; b != nil {
		parts = append(parts, b.Table, strings.Join(b.Keys, "\x00"), b.Work, strings.Join(b.Triggers, "\x00"))
		for _, c := range b.Compare {
			parts = append(parts, c.Table, strings.Join(c.Keys, "\x00"), c.Wrong, c.Mend)
		}
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// PlanDigest returns a hash of all values of a plan, except its name, its files and the digest itself. The formatting of
// the JSON does not matter. It finds an accidental change; it is not a signature, because everybody can compute it.
//
// Begin, Record and Unrecord of a step are left out, because apply adds them. A new field of a plan must be omitted from its JSON
// if it is empty. Otherwise the plans of older releases would have another digest.
func PlanDigest(p *onward.Plan) (string, error) {
	bare := *p
	bare.Name, bare.Dir, bare.Commit, bare.Files, bare.Digest = "", "", "", nil, ""
	bare.Steps = slices.Clone(p.Steps)
	for i := range bare.Steps {
		s := &bare.Steps[i]
		s.Begin, s.Record, s.Unrecord, s.Files, s.ByHand, s.Ran = "", "", "", nil, "", false
	}
	// Twice, because the first time replaces bytes that are not UTF-8.
	text, err := json.Marshal(&bare)
	if err != nil {
		return "", err
	}
	var parsed onward.Plan
	if err := json.Unmarshal(text, &parsed); err != nil {
		return "", err
	}
	if text, err = json.Marshal(&parsed); err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}
