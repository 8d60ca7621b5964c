package sql

import (
	"strconv"

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

// splitsScript reports whether this file's Prisma sends its statements one by one.
func splitsScript(f *file) bool {
	if !concurrentCreate.MatchString(f.text) || unreadByPrisma.MatchString(f.text) {
		return false
	}
	v := f.place.readVersion(readPrismaVersion)
	return v.major > prismaSplitsMajor || v.major == prismaSplitsMajor && v.minor >= prismaSplitsMinor
}

// prismaLocks are files that name the installed version of Prisma's command, the most exact ones first.
var prismaLocks = []struct {
	name    string
	version *lazyregexp.Regexp
}{
	{"package-lock.json", lazyregexp.New(`"node_modules/prisma":\s*\{\s*"version":\s*"(\d+)\.(\d+)\.`)},
	{"npm-shrinkwrap.json", lazyregexp.New(`"node_modules/prisma":\s*\{\s*"version":\s*"(\d+)\.(\d+)\.`)},
	{"pnpm-lock.yaml", lazyregexp.New(`(?m)^\s+'?/?prisma[@/](\d+)\.(\d+)\.`)},
	{"yarn.lock", lazyregexp.New(`(?m)^"?prisma@[^\n]*:\n\s+version:? "?(\d+)\.(\d+)\.`)},
	{"bun.lock", lazyregexp.New(`"prisma":\s*\["prisma@(\d+)\.(\d+)\.`)},
	{"package.json", lazyregexp.New(`"prisma":\s*"[\^~]?(\d+)\.(\d+)\.`)},
}

// readPrismaVersion reads the version of Prisma's command for a directory of migrations from the nearest lock file that has it.
func readPrismaVersion(t adapter.Tree, dir string) (v toolVersion) {
	for _, lock := range prismaLocks {
		at, there := adapter.NearestFile(t, dir, lock.name)
		if !there {
			continue
		}
		if m := lock.version.FindStringSubmatch(adapter.ReadFile(t, at).Text); m != nil {
			v.major, _ = strconv.Atoi(m[1])
			v.minor, _ = strconv.Atoi(m[2])
			return v
		}
	}
	return v
}
