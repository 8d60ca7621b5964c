package config

import (
	"testing"

	"github.com/onward-sql/onward/onward"
)

// A finding that cannot be suppressed is in no baseline.
func TestBaselineWithoutSuppressions(t *testing.T) {
	t.Parallel()
	b := NewBaseline([]onward.Finding{{Rule: "suppression-unused", Category: onward.Suppression, Fingerprint: "a"}, {Rule: "column-drop", Fingerprint: "b"}})
	if got := b.Fingerprints(); len(got) != 1 || !got["b"] {
		t.Errorf("Fingerprints() = %v, want only b", got)
	}
}
