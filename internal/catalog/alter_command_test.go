package catalog

import (
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/pgparse"
)

// A command of ALTER TABLE that a new parser brings does not get the defaults silently: it has a line in the table, or
// in the list of those that have no words, lock, pass and kinds of their own, or of those that no text can say.
func TestCommandsDecided(t *testing.T) {
	t.Parallel()
	plain := []string{
		"AT_AlterConstraint", "AT_DetachPartition", "AT_DisableRowSecurity", "AT_EnableRowSecurity", "AT_ForceRowSecurity", "AT_NoForceRowSecurity",
		"AT_DisableRule", "AT_EnableAlwaysRule", "AT_EnableReplicaRule", "AT_EnableRule",
	}
	unwritten := []string{
		"AT_AddColumnToView", "AT_AddIndex", "AT_AddIndexConstraint", "AT_CookedColumnDefault", "AT_ReAddComment", "AT_ReAddConstraint",
		"AT_ReAddDomainConstraint", "AT_ReAddIndex", "AT_ReAddStatistics",
	}
	seen := 0
	for cmd := pgparse.AlterTableType(1); strings.HasPrefix(cmd.String(), "AT_"); cmd++ {
		seen++
		_, listed := commands[cmd]
		homes := 0
		for _, home := range []bool{listed, slices.Contains(plain, cmd.String()), slices.Contains(unwritten, cmd.String())} {
			if home {
				homes++
			}
		}
		if homes != 1 {
			t.Errorf("%s has %d homes, want 1", cmd, homes)
		}
	}
	if want := len(commands) + len(plain) + len(unwritten); seen != want {
		t.Errorf("the parser has %d commands, %d are listed", seen, want)
	}
}
