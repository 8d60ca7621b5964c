package plan

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// noteIgnoredColumns says what the code needs before the contract drops a column: lines in the models whose mapper reads the columns of a table when a
// program starts, because its queries go on naming a dropped one until a restart; and an end of the uses that the new code still has.
func (p *planner) noteIgnoredColumns(release *audit.Release) {
	for i := range p.plan.Steps {
		s := &p.plan.Steps[i]
		if s.Phase != onward.Contract {
			continue
		}
		f, err := pgparse.SplitText(s.SQL)
		if err != nil {
			continue
		}
		for _, stmt := range f.Stmts {
			alter := stmt.Node.GetAlterTableStmt()
			for _, cmd := range alter.GetCmds() {
				c := cmd.GetAlterTableCmd()
				if c.GetSubtype() != pgparse.AlterTableType_AT_DropColumn {
					continue
				}
				if lines := release.ListIgnores(alter.Relation.Schemaname, alter.Relation.Relname, c.Name); len(lines) > 0 {
					p.plan.Notes = appendUnique(p.plan.Notes, []string{fmt.Sprintf("before %s, with the new code at the latest, release %s: the mapper reads the columns "+
						"when a program starts, and its queries name %s until the next restart", s.ID, strings.Join(lines, ", and "), c.Name)})
				}
				var places []string
				for _, e := range release.ListHeadUses(alter.Relation.Schemaname, alter.Relation.Relname, c.Name) {
					places = append(places, fmt.Sprintf("%s:%d (%s)", e.Path, e.Line, e.Text))
				}
				if len(places) > 0 {
					p.plan.Notes = appendUnique(p.plan.Notes, []string{fmt.Sprintf("before %s, with the new code at the latest, remove %s of %s from the code: "+
						"the new code still has it at %s, and fails there when the column is gone", s.ID, c.Name, alter.Relation.Relname, prose.FirstNames(places, 3))})
				}
			}
		}
	}
}
