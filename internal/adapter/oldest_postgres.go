package adapter

import (
	"path"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/configfile"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// Oldest is the oldest major version of Postgres that a repository's own files name: the
// services of its pipelines, its containers, the settings of its platform. It is 0 if none
// does, or if the version is not known before they run.
type Oldest struct {
	Major int
	Path  string // of a file that names it
}

var (
	// image matches an image of Postgres: its name, and the tag.
	image = lazyregexp.New(`(?mi)^\s*(?:-\s*)?(?:image:|FROM)\s*["']?(?:[\w.-]+(?::\d+)?/)*(postgres|postgresql|postgis|pgvector|timescaledb|timescaledb-ha|pg_cron|postgres-ssl)(?::([^\s"'@]*))?`)
	// tagged finds the major version in the tag of an image with a version of its own:
	// "pg16", "2.17.2-pg16". majorTag finds it in a tag of the official image: "16-alpine",
	// "15.1.0.117", "${POSTGRES_VERSION:-16}".
	tagged   = lazyregexp.New(`(?i)(?:^|[-.])pg(\d{1,2})\b`)
	majorTag = lazyregexp.New(`^(?:\$\{\w+:-)?(\d{1,2})(?:$|[.}-])`)
)

// OldestPostgres finds the oldest version in a tree, whose files are read once.
func OldestPostgres(t Tree) Oldest {
	return Memoize(t, "oldest Postgres", func() Oldest { return oldestPostgres(t) })
}

func oldestPostgres(t Tree) Oldest {
	var out Oldest
	note := func(major int, p string) {
		if out.Major == 0 || major < out.Major {
			out = Oldest{major, p}
		}
	}
	files := RunnerFiles(t, false)
	for _, p := range t.Paths() {
		if path.Base(p) == "config.toml" && path.Base(path.Dir(p)) == "supabase" {
			settings, _ := configfile.ReadTOML(RunnerFile(t, p).Text)
			if n, err := strconv.Atoi(configfile.Find(settings, "db", "major_version")); err == nil {
				note(n, p)
			}
		}
	}
	for _, p := range files {
		text := RunnerFile(t, p).Text
		if !strings.Contains(strings.ToLower(text), "postg") && !strings.Contains(text, "pgvector") && !strings.Contains(text, "timescale") {
			continue
		}
		for _, m := range image.FindAllStringSubmatch(text, -1) {
			major, ok := parseImageMajor(m[1], m[2])
			if !ok {
				return Oldest{}
			}
			note(major, p)
		}
	}
	return out
}

// parseImageMajor returns the major version of an image. It is not known if the tag is a variable or
// "latest".
func parseImageMajor(name, tag string) (int, bool) {
	m := tagged.FindStringSubmatch(tag)
	if m == nil && name != "pgvector" && !strings.HasPrefix(name, "timescaledb") {
		m = majorTag.FindStringSubmatch(tag)
	}
	if m == nil {
		return 0, false
	}
	major, err := strconv.Atoi(m[1])
	return major, err == nil
}

// Since filters the supported versions: it keeps those from the oldest named version on. It
// keeps all of them if the named version is older or newer than the supported ones. onward.PreviewMajor is judged only if it is named.
func (o Oldest) Since(all []int) []int {
	switch {
	case o.Major <= onward.OldestMajor || o.Major > onward.PreviewMajor:
		return all
	case o.Major > onward.NewestMajor:
		return []int{o.Major}
	}
	for i, v := range all {
		if v >= o.Major {
			return all[i:]
		}
	}
	return all
}
