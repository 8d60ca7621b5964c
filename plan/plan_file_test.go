package plan_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/onward-sql/onward/plan"
)

// A branch can commit a link to a device in the place of a plan. It is no plan, and reading it ends.
func TestEndlessPlan(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	dir := filepath.Join(root, filepath.FromSlash(plan.Dir))
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.Symlink("/dev/zero", filepath.Join(dir, "x.json"))); err != nil {
		t.Fatal(err)
	}
	if list := plan.ListWritten(root); list != nil {
		t.Errorf("plans %v", list)
	}
}
