package database

import (
	"maps"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
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
	Statement: checkSettingChanged,
}

// harms are the settings that change what a statement means, or whether it runs, and how. Timeouts and other limits are not among them: they are
// set for whole roles with good reason.
var harms = map[string]string{
	"array_nulls":                      "NULL in an array that is written as text is the text NULL",
	"backslash_quote":                  "statements with \\' fail, or are read otherwise",
	"bytea_output":                     "bytea values come in another form",
	"client_encoding":                  "texts are read and written in another encoding, by clients that do not set theirs",
	"datestyle":                        "dates are read and written in another order",
	"default_text_search_config":       "to_tsvector() and to_tsquery() without a configuration give other words than those that are stored",
	"default_transaction_isolation":    "transactions fail that ran before: could not serialize access",
	"default_transaction_read_only":    "INSERT, UPDATE and DELETE fail: cannot execute them in a read-only transaction",
	"event_triggers":                   "event triggers do not fire",
	"extra_float_digits":               "floating point numbers come with fewer digits, which are others when they are read again",
	"gin_fuzzy_search_limit":           "searches with a GIN index return some of their rows only",
	"intervalstyle":                    "intervals come in another form",
	"lc_monetary":                      "amounts of type money are read and written in another form",
	"lc_numeric":                       "to_char() and to_number() read and write numbers in another form",
	"lc_time":                          "to_char() writes the names of days and months in another language",
	"local_preload_libraries":          "a library that cannot be loaded refuses the connection",
	"restrict_nonsystem_relation_kind": "queries on views or foreign tables fail: access to non-system relations is restricted",
	"role":                             "statements run with the privileges of another role: permission denied, or rows that policies hide",
	"row_security":                     "queries that a policy would filter fail: query would be affected by row-level security policy",
	"search_path":                      "names without a schema mean other tables, or none: relation does not exist",
	"session_authorization":            "statements run with the privileges of another role: permission denied, or rows that policies hide",
	"session_preload_libraries":        "a library that cannot be loaded refuses the connection",
	"session_replication_role":         "triggers do not fire, and foreign keys are not checked",
	"standard_conforming_strings":      "a backslash in a text means something else",
	"timezone":                         "timestamps are read and written in another time zone, and a day begins at another hour",
	"timezone_abbreviations":           "times with an abbreviated zone are read as others, or refused",
	"transform_null_equals":            "= NULL is read as IS NULL, so that queries return other rows",
	"xmlbinary":                        "bytea values in XML come in another form",
	"xmloption":                        "texts that are read as XML are refused, or accepted",
}

func checkSettingChanged(p *rule.Pass, s *rule.Stmt) {
	owner, set := catalog.SettingsOwner(pgparse.Unwrap(s.Node))
	if set == nil || s.Tx.RolledBack {
		return
	}
	for _, part := range strings.Split(owner, " in ") {
		kind, name, _ := strings.Cut(part, " ")
		if objectName := (catalog.Name{Name: name}); s.Before.Object(kind, objectName) != nil && p.Release.Deployed.Object(kind, objectName) == nil {
			return // nobody has it yet
		}
	}
	settings := catalog.Name{Name: owner}
	before, after := p.Release.Deployed.Object("settings", settings), s.Tx.After.Object("settings", settings)
	names := []string{strings.ToLower(set.GetName())}
	if set.GetKind() == pgparse.VariableSetKind_VAR_RESET_ALL && before != nil {
		names = slices.Sorted(maps.Keys(before.Options))
	}
	for _, name := range names {
		reportSetting(p, s, owner, name, settingValue(before, name), settingValue(after, name))
	}
}

// settingValue returns the value that settings have for a name; "" for none.
func settingValue(o *catalog.Object, name string) string {
	if o == nil {
		return ""
	}
	return o.Options[name]
}

// reportSetting reports a setting that has another value than before, unless it is the one that nearly every server has.
func reportSetting(p *rule.Pass, s *rule.Stmt, owner, name, oldValue, value string) {
	harm := harms[name]
	switch {
	case harm == "" || oldValue == value:
		return
	case isUsualValue(name, value) && isUsualValue(name, oldValue) && (name != "search_path" || keepsSchemas(value, oldValue)):
		return
	}
	r := rule.Report{
		Fact:     name + " of " + owner + " becomes " + value + " for each new session",
		Harm:     harm + ", in the deployed code too, on the connections that are made anew",
		Instead:  "let the new code set it for its own sessions (in its connection string), and change the default a release later",
		Severity: onward.Warning,
	}
	if value == "" {
		r.Fact = name + " of " + owner + " is no longer " + oldValue + " for each new session"
	}
	if name == "default_transaction_read_only" && !strings.HasPrefix(owner, "role ") && value != "" && !isUsualValue(name, value) {
		r.Severity = onward.Off
	}
	p.Report(s, r)
}

// keepsSchemas reports whether a search path has all schemas of another one.
func keepsSchemas(value, oldValue string) bool {
	now := strings.Split(value+`, "$user", $user, public`, ", ")
	return !slices.ContainsFunc(strings.Split(oldValue, ", "), func(schema string) bool { return schema != "" && !slices.Contains(now, schema) })
}

// isUsualValue reports whether a value is the one that nearly every server has, so that
// it changes nothing. No value is the server's own.
func isUsualValue(name, value string) bool {
	value = strings.ToLower(value)
	isOff := value == "off" || value == "false" || value == "no" || value == "0"
	isOn := value == "on" || value == "true" || value == "yes" || value == "1"
	switch {
	case value == "":
		return true
	case name == "search_path":
		return slices.Contains(strings.Split(value, ", "), "public")
	case name == "timezone":
		return value == "utc" || value == "etc/utc" || value == "gmt"
	case name == "default_transaction_isolation":
		return value == "read committed" || value == "read uncommitted"
	case name == "datestyle":
		return strings.HasPrefix(value, "iso") && !strings.Contains(value, "dmy") && !strings.Contains(value, "ymd")
	case name == "extra_float_digits":
		return value == "1" || value == "2" || value == "3"
	case name == "default_transaction_read_only" || name == "transform_null_equals":
		return isOff
	case name == "array_nulls" || name == "event_triggers" || name == "row_security" || name == "standard_conforming_strings":
		return isOn
	}
	return slices.Contains(usualValues[name], value)
}

// usualValues are the values of settings that nearly every server has.
var usualValues = map[string][]string{
	"backslash_quote": {"safe_encoding"}, "bytea_output": {"hex"}, "client_encoding": {"utf8", "utf-8", "unicode"}, "gin_fuzzy_search_limit": {"0"},
	"intervalstyle": {"postgres"}, "role": {"none"}, "session_replication_role": {"origin", "local"}, "timezone_abbreviations": {"default"},
	"xmlbinary": {"base64"}, "xmloption": {"content"}, "local_preload_libraries": {`""`}, "session_preload_libraries": {`""`},
	"restrict_nonsystem_relation_kind": {`""`},
}
