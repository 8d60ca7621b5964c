package verify_test

import (
	"testing"

	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/verify"
)

// A recording of another schema proves nothing: with it no release is safe.
func TestRecordingOfOtherSchema(t *testing.T) {
	t.Parallel()
	dir := repository(t, hotel, "ALTER TABLE rooms ADD COLUMN note text;")
	cfg := on(dir, onward.NewestMajor)
	s := replayScene{suite: "same names"}
	old := s.record(t, dir, onward.NewestMajor, cfg.Base, s.suite)
	cfg.Old = []*verify.Workload{old.Workload}
	if r := run(t, cfg); r.Summary.State != onward.StateSafe {
		t.Fatalf("the summary of the fitting recording is %+v, want safe", r.Summary)
	}
	for i := range old.Workload.Queries {
		old.Workload.Queries[i].SearchPath = "elsewhere"
	}
	r := run(t, cfg)
	want := "Not decided: no recorded query of the deployed code was judged, because 1 of 1 does not fit the schema of the base."
	if s := r.Summary; s.Verdict != want || s.State != onward.StateNone || s.Safe {
		t.Errorf("the summary is %+v, want the verdict %q", s, want)
	}
}
