package database

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// DatabaseSettingChanged flags ALTER ROLE and ALTER DATABASE … SET of what changes the
// meaning of the deployed code's statements.
// https://www.postgresql.org/docs/current/config-setting.html#CONFIG-SETTING-SQL
var DatabaseSettingChanged = &rule.Rule{
	ID:       "database-setting-changed",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "ALTER ROLE or ALTER DATABASE … SET changes what the statements of deployed code mean",
	Harm: "The setting holds for sessions that begin after the commit. Sessions that are open keep the old one: " +
		"the connections of a pool change one by one, as they are made anew, in old code and in new. " +
		"Nothing fails in the migration, and what fails later does so on some connections only.",
	Instead: "Let the new code set it for its own sessions, and change the default when no old code runs any more.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/config-setting.html#CONFIG-SETTING-SQL",
		"https://www.postgresql.org/docs/current/sql-alterrole.html",
	},
	Kinds:     rule.Another,
	Statement: settingChanged,
}

// harms are the settings that change what a statement means, and how. Timeouts
// are not among them: they are set for whole roles with good reason.
var harms = map[string]string{
	"bytea_output":                  "bytea values come in another form",
	"datestyle":                     "dates are read and written in another order",
	"default_transaction_isolation": "transactions fail that ran before: could not serialize access",
	"default_transaction_read_only": "INSERT, UPDATE and DELETE fail: cannot execute them in a read-only transaction",
	"intervalstyle":                 "intervals come in another form",
	"search_path":                   "names without a schema mean other tables, or none: relation does not exist",
	"session_replication_role":      "triggers do not fire, and foreign keys are not checked",
	"standard_conforming_strings":   "a backslash in a text means something else",
	"timezone":                      "timestamps are read and written in another time zone, and a day begins at another hour",
}

func settingChanged(p *rule.Pass, s *rule.Stmt) {
	var set *pgparse.VariableSetStmt
	var whose string
	everybody := false
	switch x := pgparse.Unwrap(s.Node).(type) {
	case *pgparse.AlterRoleSetStmt:
		set, whose, everybody = x.GetSetstmt(), "role "+x.GetRole().GetRolename(), x.GetRole() == nil
		if everybody {
			whose = "all roles"
		}
		name := catalog.Name{Name: x.GetRole().GetRolename()}
		if s.Before.Object("role", name) != nil && p.Release.Deployed.Object("role", name) == nil {
			return // nobody has it yet
		}
	case *pgparse.AlterDatabaseSetStmt:
		set, whose, everybody = x.GetSetstmt(), "database "+x.GetDbname(), true
	}
	if set == nil || set.GetKind() != pgparse.VariableSetKind_VAR_SET_VALUE {
		return
	}
	name := strings.ToLower(set.GetName())
	var values []string
	for _, a := range set.GetArgs() {
		values = append(values, settingText(a))
	}
	harm := harms[name]
	if harm == "" || isUsual(name, values) {
		return
	}
	r := rule.Report{
		Fact:     name + " of " + whose + " becomes " + strings.Join(values, ", ") + " for each new session",
		Harm:     harm + ", in the deployed code too, on the connections that are made anew",
		Instead:  "let the new code set it for its own sessions (in its connection string), and change the default a release later",
		Severity: onward.Warning,
	}
	if name == "default_transaction_read_only" && everybody {
		r.Severity = onward.Off
	}
	p.Report(s, r)
}

// settingText is the value of a setting.
func settingText(n *pgparse.Node) string {
	c := predicate.StripCasts(n).GetAConst()
	if v := c.GetIval(); v != nil {
		return map[bool]string{true: "on", false: "off"}[v.GetIval() != 0]
	}
	return c.GetSval().GetSval()
}

// isUsual reports whether a value is the one that nearly every server has, so that
// it changes nothing.
func isUsual(name string, values []string) bool {
	value := strings.ToLower(strings.Join(values, ","))
	switch name {
	case "search_path":
		return slices.Contains(values, "public")
	case "timezone":
		return value == "utc" || value == "etc/utc" || value == "gmt"
	case "default_transaction_read_only":
		return value == "off" || value == "false" || value == "no"
	case "default_transaction_isolation":
		return value == "read committed" || value == "read uncommitted"
	case "session_replication_role":
		return value != "replica"
	case "standard_conforming_strings":
		return value != "off" && value != "false" && value != "no"
	case "bytea_output":
		return value == "hex"
	case "datestyle":
		return strings.HasPrefix(value, "iso") && !strings.Contains(value, "dmy") && !strings.Contains(value, "ymd")
	case "intervalstyle":
		return value == "postgres"
	}
	return false
}
