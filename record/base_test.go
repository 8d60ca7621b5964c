package record_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/record"
	"github.com/onward-sql/onward/rehearse"
)

// The advice about a base that cannot be made names only flags that record has.
func TestBaseAdvice(t *testing.T) {
	t.Parallel()
	dir := gittest.Commits(t, map[string]string{"00001_start.sql": "-- +goose Up\nCREATE TABLE t (id int);\nCOPY t FROM '/srv/rows.csv';\n"})
	base := &rehearse.Config{Config: audit.Config{Dir: dir, Base: "HEAD"}}
	_, err := record.Run(t.Context(), record.Config{Command: []string{"true"}, Major: 17, Base: base})
	const advice = "is no superuser: give the deployed schema with --schema FILE"
	if err == nil || !strings.Contains(err.Error(), advice) || strings.Contains(err.Error(), "--superuser") {
		t.Errorf("record.Run of a base that needs a superuser: %v, want the advice %q", err, advice)
	}
}
