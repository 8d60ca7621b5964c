package sql

import (
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// From 7.4 on, Prisma's engine for Postgres sends a script statement by statement if its own SQL parser reads all of
// it, and in one message otherwise (prisma/prisma-engines, pull requests 5767 and 5847). That parser knows CREATE
// INDEX CONCURRENTLY, and neither DROP INDEX CONCURRENTLY nor DO blocks. For other statements, onward does not check
// whether the parser knows them: a file without CREATE INDEX CONCURRENTLY is judged as one message, which holds locks
// the longest. Not measured: no package registry has the engine's program.
const prismaSplitsMajor, prismaSplitsMinor = 7, 4

var (
	concurrentCreate = lazyregexp.New(`(?i)\bcreate\s+(?:unique\s+)?index\s+concurrently\b`)
	// unreadByPrisma are statements that its parser is known not to read.
	unreadByPrisma = lazyregexp.New(`(?i)\bdrop\s+index\s+concurrently\b|\breindex\b|(?:^|;)\s*do\s+(?:language\s+\w+\s+)?(?:\$|'|E')|\bdetach\s+partition\b[^;]*\bconcurrently\b`)
)

// sendsStatementsSeparately reports whether this file's Prisma sends its statements one by one.
func sendsStatementsSeparately(f *file) bool {
	if !concurrentCreate.MatchString(f.text) || unreadByPrisma.MatchString(f.text) {
		return false
	}
	v := f.place.readVersion("prisma")
	return v.isAtLeast(prismaSplitsMajor, prismaSplitsMinor)
}

// toolVersion is the version of a tool that a lock file names. The zero value is an unknown one.
type toolVersion struct{ major, minor int }

func (v toolVersion) isAtLeast(major, minor int) bool {
	return v.major > major || v.major == major && v.minor >= minor
}

// npmLocks are files that name the installed version of a package, the most exact ones first.
var npmLocks = []struct{ name, version string }{
	{"package-lock.json", `"node_modules/NAME":\s*\{\s*"version":\s*"(\d+)\.(\d+)\.`},
	{"npm-shrinkwrap.json", `"node_modules/NAME":\s*\{\s*"version":\s*"(\d+)\.(\d+)\.`},
	{"pnpm-lock.yaml", `(?m)^\s+'?/?NAME[@/](\d+)\.(\d+)\.`},
	{"yarn.lock", `(?m)^"?NAME@[^\n]*:\n\s+version:? "?(\d+)\.(\d+)\.`},
	{"bun.lock", `"NAME":\s*\["NAME@(\d+)\.(\d+)\.`},
	{"package.json", `"NAME":\s*"[\^~]?(\d+)\.(\d+)\.`},
}

// readVersion reads the version of a tool from npm for the directory, from the nearest lock file that has it. It does so
// once: a lock file can have megabytes.
func (p *migrationDir) readVersion(name string) toolVersion {
	p.versionRead.Do(func() { p.version = readNPMVersion(p.tree, p.Path, name) })
	return p.version
}

func readNPMVersion(t adapter.Tree, dir, name string) (v toolVersion) {
	for _, lock := range npmLocks {
		lockFile, ok := adapter.NearestFile(t, dir, lock.name)
		if !ok {
			continue
		}
		pattern := lazyregexp.New(strings.ReplaceAll(lock.version, "NAME", name))
		if m := pattern.FindStringSubmatch(adapter.ReadFile(t, lockFile).Text); m != nil {
			v.major, _ = strconv.Atoi(m[1])
			v.minor, _ = strconv.Atoi(m[2])
			return v
		}
	}
	return v
}
