// Package config reads onward.yaml, strictly: a key or a name that does not
// exist is an error at its line, with the nearest one that does. It also reads
// and writes the baseline, the list of findings that an old code base starts
// with.
package config

import (
	"path"
	"path/filepath"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// Name is the name of the file.
const Name = "onward.yaml"

// Config is an onward.yaml. The zero value is what holds without one.
type Config struct {
	// Path is where the file was found; "" when there is none. Paths in the
	// file are relative to its directory.
	Path string `yaml:"-"`
	// Postgres lists the major versions in production, ascending: 17, a range
	// 14..17 or a list. Defaults to all supported versions.
	Postgres []int `yaml:"postgres"`
	// Base is the revision that is deployed. Defaults to the merge base with
	// the remote's default branch.
	Base string `yaml:"base"`
	// Migrations are the directories of migrations and what is known of their
	// runner. Defaults to what is detected.
	Migrations []Migrations `yaml:"migrations"`
	// Rules sets the severity of rules by name; off switches one off.
	Rules map[string]onward.Severity `yaml:"rules"`
	// Presets are the sets of rules that are on. Defaults to recommended.
	Presets []onward.Preset `yaml:"presets"`
	// FailOn is the severity from which on findings make the exit code 1:
	// error, warning, info or never. Defaults to error.
	FailOn Threshold `yaml:"fail_on"`
	// SmallTables are tables on which work that grows with the size does not
	// matter: "countries", "billing.rates".
	SmallTables []string `yaml:"small_tables"`
	// SmallBelow makes tables small that take less than this many bytes with
	// their indexes, where their size is known; 0 makes none.
	SmallBelow Bytes `yaml:"small_below"`
	// Throughput is how fast the server reads and writes. What is not set has
	// its default.
	Throughput onward.Throughput `yaml:"throughput"`
	// Assume is what holds for every session that runs migrations.
	Assume Assume `yaml:"assume"`
	// Baseline is the file of findings to leave out, "" for none.
	Baseline string `yaml:"baseline"`
	// Workload are the recordings of what the deployed code sends, from onward record.
	Workload []string `yaml:"workload"`
	// Deprecated are columns that are about to go, by table.column, with the words that a
	// comment on the column might say: "deprecated 2026-11-01, remove after 2027-02-01".
	Deprecated map[string]string `yaml:"deprecated"`
	// SoftDelete names the columns that say which rows of a table are deleted, by table:
	// "users", "shop.orders". Those called deleted_at are found without it.
	SoftDelete map[string]string `yaml:"soft_delete"`
	// Preflight is what onward preflight asks of a running database.
	Preflight Preflight `yaml:"preflight"`
	// AcceptOpaque names files that may stay unjudged: true for all, or a list
	// of patterns. What could not be read and is not accepted makes the exit
	// code 3.
	AcceptOpaque Accept `yaml:"accept_opaque"`
}

// Migrations is a directory of migrations.
type Migrations struct {
	// Dir is the directory: relative to onward.yaml in the file, and to the
	// repository's root once [Load] has read it; "." is the root.
	Dir string `yaml:"dir"`
	// Framework is the name of the framework. Defaults to what is detected.
	Framework string `yaml:"framework"`
	// Transaction is how the runner sends a file. Defaults to what the
	// framework does.
	Transaction onward.Transaction `yaml:"transaction"`
	// LockTimeout and StatementTimeout are what the runner, its connection
	// string or the role sets.
	LockTimeout      Timeout `yaml:"lock_timeout"`
	StatementTimeout Timeout `yaml:"statement_timeout"`
	// Python is the interpreter of a Django project, relative to onward.yaml
	// when it contains a slash.
	Python string `yaml:"python"`
	// Settings is the settings module of a Django project: shop.settings.
	Settings string `yaml:"settings"`
	// Environment is what the settings of a Django project read from the environment, as
	// "NAME=value", sorted. The file has it as a mapping.
	Environment []string `yaml:"environment"`
	// AcceptUnreadable: a migration that cannot be read does not make the
	// exit code 3.
	AcceptUnreadable bool `yaml:"accept_unreadable"`

	// Line is where the entry stands in the file, for messages.
	Line int `yaml:"-"`
}

// Assume is what holds for the sessions that run migrations, where nothing
// closer to the migration says otherwise.
type Assume struct {
	// TimeZone of the sessions. In UTC, timestamp becomes timestamptz without
	// a rewrite.
	TimeZone string `yaml:"timezone"`
	// LockTimeout and StatementTimeout are set for the role or the database.
	LockTimeout      Timeout `yaml:"lock_timeout"`
	StatementTimeout Timeout `yaml:"statement_timeout"`
}

// Preflight says where the checks of a running database begin to warn, and names queries for
// what a server does not tell. The zero value of each limit is its default.
type Preflight struct {
	// Disk is a query with one column: the bytes that are free for the server's files, the
	// least where it has several rows. Backup is one with the times at which base backups
	// ended. They run read-only, with a short timeout.
	Disk   string `yaml:"disk"`
	Backup string `yaml:"backup"`
	// BackupDays is how old the last base backup may be, in days; 8 by default.
	BackupDays int `yaml:"backup_days"`
	// CertificateWarningDays and CertificateErrorDays are how long before a certificate's
	// end it is told, in days; 30 and 7 by default.
	CertificateWarningDays int `yaml:"certificate_warning_days"`
	CertificateErrorDays   int `yaml:"certificate_error_days"`
	// TransactionAge is how long a transaction may be open that holds locks; 5s by default.
	TransactionAge Timeout `yaml:"transaction_age"`
	// ReplicaLag is how far behind a replica may be; 10s by default.
	ReplicaLag Timeout `yaml:"replica_lag"`
	// SlotWAL is how much WAL a slot may keep, and a replica may have to replay; 1 GiB by
	// default.
	SlotWAL Bytes `yaml:"slot_wal"`
}

// Timeout is a time in milliseconds; 0 is none. The file spells it as Postgres
// does: 5s, 500ms, 5000.
type Timeout int

// Milliseconds is the time as a number.
func (t Timeout) Milliseconds() int { return int(t) }

// Bytes is a size. The file spells it 10MB or 1.5GB, in powers of 1000.
type Bytes int64

// Threshold is the severity from which on findings fail the run.
type Threshold string

// The thresholds. The zero value is FailOnError.
const (
	FailOnError   Threshold = "error"
	FailOnWarning Threshold = "warning"
	FailOnInfo    Threshold = "info"
	FailOnNever   Threshold = "never"
)

var thresholds = []string{"error", "warning", "info", "never"}

// ParseThreshold reads a threshold by its name.
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
	// Patterns are globs of paths: * within a directory, ** across. They are
	// relative to onward.yaml in the file, and to the repository's root once
	// [Load] has read it.
	Patterns []string
}

// Match reports whether a file may stay unjudged. Its path is relative to what
// the patterns are, with forward slashes.
func (a Accept) Match(name string) bool {
	if a.All {
		return true
	}
	for _, p := range a.Patterns {
		if glob(strings.Split(path.Clean(p), "/"), strings.Split(path.Clean(name), "/")) {
			return true
		}
	}
	return false
}

// glob matches a path against a pattern, element by element; ** stands for any
// number of elements.
func glob(pattern, name []string) bool {
	// The last ** is the only one that has to be tried again, so that the
	// time is bounded by the product of the two lengths.
	p, n, retry, at := 0, 0, -1, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == "**":
			retry, at = p, n
			p++
		case p < len(pattern) && matches(pattern[p], name[n]):
			p, n = p+1, n+1
		case retry >= 0:
			at++
			p, n = retry+1, at
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == "**" {
		p++
	}
	return p == len(pattern)
}

func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

// Default is what holds without a file.
func Default() *Config { return &Config{} }

// Versions lists the major versions in question, ascending.
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

// Severities gives the severities that the file sets, by rule.
func (c *Config) Severities() map[string]onward.Severity { return c.Rules }

// Accepts reports whether a file, relative to the repository's root, may stay
// unjudged.
func (c *Config) Accepts(name string) bool {
	for _, m := range c.Migrations {
		if m.AcceptUnreadable && (m.Dir == "." || name == m.Dir || strings.HasPrefix(name, m.Dir+"/")) {
			return true
		}
	}
	return c.AcceptOpaque.Match(name)
}

// ReadBaseline reads the fingerprints of the baseline file; nil when there is
// none.
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

// Resolve makes a path of the file absolute or relative to the working
// directory, as the file itself was found.
func (c *Config) Resolve(name string) string {
	if name == "" || filepath.IsAbs(name) || c.Path == "" {
		return name
	}
	return filepath.Join(filepath.Dir(c.Path), filepath.FromSlash(name))
}
