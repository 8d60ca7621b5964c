package sql

import (
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/configfile"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// Diesel is described from its manual: a directory for each migration, whose up.sql is one
// message in a transaction.
var diesel = runner{
	name: "Diesel", unit: "migration", apart: "a migration of its own, with this in its metadata.toml:\nrun_in_transaction = false",
	historyBehavior: adapter.HistoryBehavior{
		Edited:     "Diesel records versions, not contents: databases that have it keep what the old text did",
		OutOfOrder: "Diesel " + runsAfter,
	},
	historyTables: []adapter.HistoryTable{{Table: "__diesel_schema_migrations", Columns: dieselColumns}},
	count: &adapter.Count{
		Table: "__diesel_schema_migrations",
		Make:  func(table string) string { return "CREATE TABLE " + table + " " + dieselColumns },
		Read:  adapter.KeyOnly("version"),
		Key:   dieselKey,
		Write: func(table string, m *adapter.Migration, _ []byte) string {
			return "INSERT INTO " + table + " (version) VALUES (" + pgparse.QuoteLiteral(dieselKey(m)) + ")"
		},
		Row:   func(m *adapter.Migration) string { return "version = " + pgparse.QuoteLiteral(dieselKey(m)) },
		Order: "version",
	},
	// The evidence is its configuration, its first migration, or a crate that requires it.
	detectNearby: func(p *migrationDir) bool {
		return slices.ContainsFunc(p.ups, func(n string) bool { return strings.HasSuffix(n, "/up.sql") }) &&
			(p.hasFileAbove("diesel.toml") || p.hasFile("00000000000000_diesel_initial_setup/up.sql") || p.dependsOn("diesel"))
	},
	loose:    true,
	rowTable: history.BareRow,
	unique:   true,
	twice: func(string) string {
		return "Diesel keeps one migration of each version: it never runs the other, and nothing says so"
	},
	owns: func(name string) bool { return name == "up.sql" },
	send: setDieselSendMode,
	form: &adapter.Form{
		Up: "/up.sql", Down: "/down.sql", Transaction: onward.TransactionFile, Texts: true, Moments: "2006-01-02-150405",
		Settings: "/metadata.toml", SettingsAlone: "run_in_transaction = false\n",
	},
}

// setDieselSendMode sets that Diesel sends an up.sql as one message, whatever its metadata says.
func setDieselSendMode(f *file) {
	if f.name != "up.sql" {
		return
	}
	f.mode, f.whole = onward.TransactionFile, true
	metadata := path.Dir(f.m.Path) + "/metadata.toml"
	if adapter.HasFile(f.tree, metadata) {
		settings, _ := configfile.ReadTOML(adapter.ReadFile(f.tree, metadata).Text)
		if configfile.Find(settings, "", "run_in_transaction") == "false" {
			f.mode = onward.TransactionMessage
			f.m.Runner.Rerun = true
		}
	}
	if f.own && isBlank(f.text) {
		f.m.Problems = append(f.m.Problems, newFileRefusal("the file has no statement: Diesel takes that for an error",
			"the migration fails: \"Received an empty query\"", "write a statement that does nothing, as SELECT 1, or take the migration out"))
	}
}

// isBlank reports whether a file has nothing but comments.
func isBlank(text string) bool {
	for {
		text = strings.TrimLeft(text, " \t\r\n\f\v;")
		end := "\n"
		switch {
		case text == "":
			return true
		case strings.HasPrefix(text, "/*"):
			end = "*/"
		case !strings.HasPrefix(text, "--"):
			return false
		}
		_, text, _ = strings.Cut(text, end)
	}
}

// compareDieselVersions compares versions as Diesel does, as texts without their dashes:
// 2017-10-08-193512 is before 20171101000000. It returns 0 if they are not Diesel's.
func compareDieselVersions(a, b string) int {
	if !strings.HasSuffix(a, "/up.sql") || !strings.HasSuffix(b, "/up.sql") {
		return 0
	}
	dirA, _, _ := strings.Cut(a, "/")
	dirB, _, _ := strings.Cut(b, "/")
	va, vb := dirVersion(dirA), dirVersion(dirB)
	if !strings.Contains(va+vb, "-") {
		return 0
	}
	return strings.Compare(strings.ReplaceAll(va, "-", ""), strings.ReplaceAll(vb, "-", ""))
}

const dieselColumns = `(version varchar(50) PRIMARY KEY, run_on timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP)`

// dieselKey returns the key that Diesel records for a migration: its directory's version,
// without dashes.
func dieselKey(m *adapter.Migration) string {
	return strings.ReplaceAll(dirVersion(path.Base(path.Dir(m.Path))), "-", "")
}
