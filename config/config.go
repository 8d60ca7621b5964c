// Package config reads onward.yaml, strictly: an unknown key or name is an error at its
// line, with the nearest known one. It also reads and writes the baseline, the list of
// findings that an old code base starts with.
package config

import (
	"cmp"
	"path"
	"path/filepath"
	"strings"

	"github.com/onward-sql/onward/internal/workload/deprecation"
	"github.com/onward-sql/onward/onward"
)

// Name is the name of the file.
const Name = "onward.yaml"

// Config is the content of an onward.yaml. The zero value applies without one.
type Config struct {
	// Path is the path of the file; "" if there is none. Paths in the file are relative to
	// its directory.
	Path string `yaml:"-"`
	// Named is set if the user named the file. Commands in it then run even if the base does not have them.
	Named bool `yaml:"-"`
	// Postgres lists the major versions in production, ascending: 17, a range
	// 14..17 or a list. Defaults to all supported versions.
	Postgres []int `yaml:"postgres"`
	// Base is the deployed revision. Defaults to the remote's default branch.
	Base string `yaml:"base"`
	// Migrations are the directories of migrations, with settings of their migration tool.
	// Defaults to what is detected.
	Migrations []Migrations `yaml:"migrations"`
	// Rules sets the severity of rules by name; off disables a rule.
	Rules map[string]onward.Severity `yaml:"rules"`
	// Presets are the enabled sets of rules. Defaults to recommended.
	Presets []onward.Preset `yaml:"presets"`
	// FailOn is the severity from which findings make the exit code 1: error, warning, info
	// or never. Defaults to error.
	FailOn Threshold `yaml:"fail_on"`
	// SmallTables are tables on which work that grows with the size does not matter:
	// "countries", "billing.rates".
	SmallTables []string `yaml:"small_tables"`
	// SmallBelow makes tables small that take fewer bytes than this with their indexes, if
	// their size is known. 0 is [DefaultSmallBelow], if one table is larger than that; a
	// database of small tables may be an empty one. A negative number makes none small.
	SmallBelow Bytes `yaml:"small_below"`
	// Throughput is the speed at which the server reads and writes. Unset values have their
	// defaults.
	Throughput onward.Throughput `yaml:"throughput"`
	// Assume are settings of every session that runs migrations.
	Assume Assume `yaml:"assume"`
	// Baseline is the file of findings to leave out, "" for none.
	Baseline string `yaml:"baseline"`
	// Workload are recordings of the deployed code's queries, from onward record: files, or directories with one file
	// for each program that uses the database.
	Workload []string `yaml:"workload"`
	// Deprecated are columns that will be dropped, by table.column, with a text in the form
	// of a column comment: "deprecated 2026-11-01, remove after 2027-02-01".
	Deprecated map[string]string `yaml:"deprecated"`
	// DeprecationNoticeDays is how many days before the last day of a deprecated column its new uses are reported; 30
	// by default.
	DeprecationNoticeDays int `yaml:"deprecation_notice_days"`
	// SoftDelete names the columns that mark rows as deleted, by table: "users",
	// "shop.orders". Columns named deleted_at are recognized without it.
	SoftDelete map[string]string `yaml:"soft_delete"`
	// AcceptQueries names queries whose findings are accepted, by rule: a part of the query's text in the recording, or
	// its ID.
	AcceptQueries map[string][]string `yaml:"accept_queries"`
	// Redact are regular expressions. Onward record replaces their matches before it stores values: of an expression with a group, the
	// group only.
	Redact []string `yaml:"redact"`
	// RedactColumns are columns whose values onward record replaces before it stores values: table.column, or *.column.
	RedactColumns []string `yaml:"redact_columns"`
	// Preflight configures the checks of onward preflight.
	Preflight Preflight `yaml:"preflight"`
	// AcceptOpaque names files that may stay unjudged: true for all, or a list of patterns.
	// Unreadable files that are not accepted make the exit code 3.
	AcceptOpaque Accept `yaml:"accept_opaque"`
	// Hook configures onward hook.
	Hook Hook `yaml:"hook"`
}

// Hook sets what onward hook lets a coding assistant do.
type Hook struct {
	// Disposable are databases whose data may be lost: "localhost/app_dev", "localhost:5433/app_*", "db/app". An entry
	// without a port means 5432.
	Disposable []string `yaml:"disposable"`
}

// Migrations is a directory of migrations.
type Migrations struct {
	// Dir is the directory: relative to onward.yaml in the file, and to the repository's
	// root after [Load] has read it; "." is the root.
	Dir string `yaml:"dir"`
	// Framework is the name of the framework. Defaults to the detected one.
	Framework string `yaml:"framework"`
	// Transaction is how the migration tool sends a file. Defaults to the framework's way.
	Transaction onward.Transaction `yaml:"transaction"`
	// Runner describes a team's own program that runs the files; nil if a known tool does.
	Runner *Runner `yaml:"runner"`
	// LockTimeout and StatementTimeout are set by the migration tool, its connection string
	// or the role.
	LockTimeout      Timeout `yaml:"lock_timeout"`
	StatementTimeout Timeout `yaml:"statement_timeout"`
	// Python is the interpreter of a Django or Alembic project, relative to onward.yaml if it contains
	// a slash.
	Python string `yaml:"python"`
	// Render is the command that prints the SQL of the migrations. {from} and {to} are replaced by the ends of the range. A command
	// with {id} runs once for each migration. It is read from the base's file, or from a file that the user names.
	Render string `yaml:"render"`
	// Capture is the command that runs all pending migrations. Onward runs it against a throwaway Postgres, at the base and
	// at the head, and judges what it sends. CaptureBase makes the base's schema instead of it: another command, or a
	// file from pg_dump, relative to onward.yaml, or "db" for the deployed database. Both are read from the base's file, or from a file
	// that the user names.
	Capture     string `yaml:"capture"`
	CaptureBase string `yaml:"capture_base"`
	// Settings is the settings module of a Django project: shop.settings.
	Settings string `yaml:"settings"`
	// Environment are the variables that such a project reads, as
	// "NAME=value", sorted. The file has a mapping.
	Environment []string `yaml:"environment"`
	// Sandbox is what Capture and Render may use beside their files. It is read from the base's file, like them.
	Sandbox Sandbox `yaml:"sandbox"`
	// RenderTimeout limits the rendering of such a project, and a run of Capture, for each revision. Defaults to
	// five minutes.
	RenderTimeout Timeout `yaml:"render_timeout"`
	// Static: migrations in JavaScript and TypeScript do not run in the interpreter, and are not judged.
	Static bool `yaml:"static"`
	// AcceptUnreadable: an unreadable migration does not make the exit code 3.
	AcceptUnreadable bool `yaml:"accept_unreadable"`

	// CaptureDir is the directory in which Capture and Render run, relative to the repository's root: the file's own directory.
	CaptureDir string `yaml:"-"`
	// Line is the line of the entry in the file, for messages.
	Line int `yaml:"-"`
}

// Sandbox widens the sandbox of a command.
type Sandbox struct {
	// Require refuses to run a command that this machine confines only in part.
	Require bool `yaml:"require"`
	// Network lets the command use the network, and not only its database.
	Network bool `yaml:"network"`
	// Read and Write are files and directories, absolute, below ~/, or relative to onward.yaml.
	Read  []string `yaml:"read"`
	Write []string `yaml:"write"`
}

// Assume are settings of the sessions that run migrations, unless something more specific to
// the migration sets them.
type Assume struct {
	// TimeZone of the sessions. In UTC, timestamp becomes timestamptz without a rewrite.
	TimeZone string `yaml:"timezone"`
	// LockTimeout and StatementTimeout are set for the role or the database.
	LockTimeout      Timeout `yaml:"lock_timeout"`
	StatementTimeout Timeout `yaml:"statement_timeout"`
}

// Preflight sets the values at which the checks of a running database begin to warn. It also
// has queries for information that a server does not provide. The zero value of each limit
// is its default.
type Preflight struct {
	// Disk is a query with one column: the free bytes for the server's files, where the
	// smallest of several rows counts. Backup is a query for the times at which base backups
	// ended. They run read-only, with a short timeout.
	Disk   string `yaml:"disk"`
	Backup string `yaml:"backup"`
	// BackupDays is the maximum age of the last base backup, in days; 8 by default.
	BackupDays int `yaml:"backup_days"`
	// CertificateWarningDays and CertificateErrorDays are how many days before its expiry a
	// certificate is reported; 30 and 7 by default.
	CertificateWarningDays int `yaml:"certificate_warning_days"`
	CertificateErrorDays   int `yaml:"certificate_error_days"`
	// TransactionAge is how long a transaction that holds locks may be open; 5s by default.
	TransactionAge Timeout `yaml:"transaction_age"`
	// ReplicaLag is the maximum lag of a replica; 10s by default.
	ReplicaLag Timeout `yaml:"replica_lag"`
	// SlotWAL is how much WAL a slot may retain, or a replica may have to replay; 1 GiB by
	// default.
	SlotWAL Bytes `yaml:"slot_wal"`
}

// Timeout is a time in milliseconds; 0 is none. The file has it in Postgres' notation: 5s,
// 500ms, 5000.
type Timeout int

// Milliseconds returns the time as a number.
func (t Timeout) Milliseconds() int { return int(t) }

// Bytes is a size. The file has 10MB or 1.5GB, in powers of 1000.
type Bytes int64

// Threshold is the severity from which findings fail the run.
type Threshold string

// The thresholds. The zero value is FailOnError.
const (
	FailOnError   Threshold = "error"
	FailOnWarning Threshold = "warning"
	FailOnInfo    Threshold = "info"
	FailOnNever   Threshold = "never"
)

var thresholds = []string{"error", "warning", "info", "never"}

// ParseThreshold parses a threshold by its name.
func ParseThreshold(name string) (Threshold, bool) {
	for _, t := range thresholds {
		if t == name {
			return Threshold(t), true
		}
	}
	return "", false
}

// Reached reports whether a finding of that severity fails the run.
func (t Threshold) Reached(s onward.Severity) bool {
	switch t {
	case FailOnNever:
		return false
	case FailOnInfo:
		return s >= onward.Info
	case FailOnWarning:
		return s >= onward.Warning
	default:
		return s >= onward.Error
	}
}

// Accept names files that may stay unjudged.
type Accept struct {
	// All accepts everything.
	All bool
	// Patterns are globs of paths: * within a directory, ** across directories, and / at the
	// end for everything below. They are relative to onward.yaml in the file, and to the
	// repository's root after [Load] has read it.
	Patterns []string
}

// Match reports whether a file may stay unjudged. Its path has forward slashes and the same
// base as the patterns.
func (a Accept) Match(name string) bool {
	if a.All {
		return true
	}
	for _, p := range a.Patterns {
		isDir := strings.HasSuffix(p, "/")
		if p = path.Clean(p); isDir {
			p = path.Join(p, "**")
		}
		if matchElements(strings.Split(p, "/"), strings.Split(path.Clean(name), "/")) {
			return true
		}
	}
	return false
}

// matchElements matches a path against a pattern, element by element; ** matches any number of
// elements.
func matchElements(pattern, name []string) bool {
	// Only the last ** has to be retried, so that the time is limited by the product of the
	// two lengths.
	p, n, retry, retryName := 0, 0, -1, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == "**":
			retry, retryName = p, n
			p++
		case p < len(pattern) && matchElement(pattern[p], name[n]):
			p, n = p+1, n+1
		case retry >= 0:
			retryName++
			p, n = retry+1, retryName
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == "**" {
		p++
	}
	return p == len(pattern)
}

func matchElement(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

// DefaultSmallBelow is 5 MB: on tables of 10 MB, an index, a validated constraint and a
// changed type took 0.03 to 0.34 s, on a busy machine with Postgres 15.
const DefaultSmallBelow Bytes = 5_000_000

// Default returns the configuration that applies without a file.
func Default() *Config { return &Config{} }

// Versions lists the major versions to consider, ascending.
func (c *Config) Versions() []int {
	if len(c.Postgres) > 0 {
		return c.Postgres
	}
	var all []int
	for v := onward.OldestMajor; v <= onward.NewestMajor; v++ {
		all = append(all, v)
	}
	return all
}

// NoticeDays returns how many days before the last day of a deprecated column its new uses are reported.
func (c *Config) NoticeDays() int { return cmp.Or(c.DeprecationNoticeDays, deprecation.NoticeDays) }

// Severities returns the severities that the file sets, by rule.
func (c *Config) Severities() map[string]onward.Severity { return c.Rules }

// Accepts reports whether a file, relative to the repository's root, may stay unjudged.
func (c *Config) Accepts(name string) bool {
	for _, m := range c.Migrations {
		if m.AcceptUnreadable && (m.Dir == "." || name == m.Dir || strings.HasPrefix(name, m.Dir+"/")) {
			return true
		}
	}
	return c.AcceptOpaque.Match(name)
}

// ReadBaseline reads the fingerprints of the baseline file; nil if there is none.
func (c *Config) ReadBaseline() (map[string]bool, error) {
	if c.Baseline == "" {
		return nil, nil
	}
	b, err := ReadBaseline(c.Resolve(c.Baseline))
	if err != nil {
		return nil, err
	}
	return b.Fingerprints(), nil
}

// Resolve makes a path in the file absolute, or relative to the working directory if the
// file's own path is.
func (c *Config) Resolve(name string) string {
	if name == "" || filepath.IsAbs(name) || c.Path == "" {
		return name
	}
	return filepath.Join(filepath.Dir(c.Path), filepath.FromSlash(name))
}
