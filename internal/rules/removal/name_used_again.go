package removal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// reportReusedName reports a new column with the name that the release has taken from a deployed one in an earlier transaction.
func reportReusedName(p *rule.Pass, t *rule.Tx) {
	for d := range p.DeployedChanges(t, catalog.ColumnAdded) {
		deployed := p.Release.Deployed.Relation(d.OID)
		if deployed == nil || d.By == nil {
			continue
		}
		old := deployed.Column(d.New.Name)
		if old == nil || old.Attnum == d.New.Attnum {
			continue
		}
		now := d.After.Attr(old.Attnum)
		if now == nil || now.Name == old.Name || t.FindChange(catalog.ColumnRenamed, func(o *rule.Delta) bool {
			return o.OID == d.OID && o.Old.Attnum == old.Attnum
		}) != nil {
			continue // dropped, or reported with the rename
		}
		u := p.Code.FindUses(deployed.Name, old.Name)
		severity := u.DropSeverity()
		if severity < onward.Warning {
			continue
		}
		reads, finds := "no value", "finds NULL"
		if d.New.Default != nil {
			reads, finds = "its default only", "finds the default"
		}
		p.Report(d, rule.Report{
			Fact: "column " + old.Name + " of " + deployed.Name.String() + ", which is " + now.Name +
				" since an earlier statement of the release, comes back as a new column with " +
				reads,
			Harm: "deployed code that reads " + old.Name + u.FirstPlace() + " does not fail: it silently reads the new column, and " + finds +
				" in each row; what it writes there does not reach " + now.Name,
			Instead:  "give the new column a name of its own, keep both in step, and use the old name again a release later",
			Severity: severity,
			Unused:   deployed.Name.String() + "." + old.Name,
			Evidence: u.Evidence,
		})
	}
}
