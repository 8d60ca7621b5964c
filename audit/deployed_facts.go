package audit

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refusal"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/internal/underway"
	"github.com/onward-sql/onward/onward"
)

// Deployed says where to read facts about the deployed database that its migrations do
// not have. The zero value names no source.
type Deployed struct {
	// Schema is a file from pg_dump -s; DB is the address of a server, which is only
	// read. At most one of them may be set. Without either, the schema is folded from the
	// deployed migrations.
	Schema, DB string
	// Only is a schema of DB that is read alone, as if its name was public; "" reads all.
	Only string
	// Stats is a file that onward stats wrote; if it is "", the sizes are from DB.
	Stats string
	// Workload are recordings of the deployed code's queries, from onward record; if
	// there are none, those in the settings are used.
	Workload []string

	windows windows // of a test; zero is usualWindows
}

// deployedFacts has the facts that were read.
type deployedFacts struct {
	catalog    *catalog.Catalog // nil: folded from the migrations
	sizes      *size.Model      // nil: not known
	stats      *onward.Stats    // the source of sizes
	measuredAt string           // when the sizes were measured
	// smallBelow is the limit that [deployedFacts.smallTables] chose, in bytes.
	smallBelow int64
	major      int            // of the server; 0: there was none
	plans      underway.State // of the server's ledger
	base       adapter.Tree   // the deployed tree, whose files name versions; nil: none
	windows    windows
	opaque     []onward.Opaque // what the server, or the file, has and the catalog lacks
}

// readDeployedFacts reads the sources that Deployed names.
func (d Deployed) readDeployedFacts(ctx context.Context, c *config.Config) (*deployedFacts, error) {
	k := &deployedFacts{windows: cmp.Or(d.windows, usualWindows)}
	switch {
	case d.Schema != "" && d.DB != "":
		return nil, &config.InputError{Err: errors.New("the deployed schema comes from a file or from a server, not from both")}
	case d.Schema != "":
		var err error
		if k.catalog, k.opaque, err = foldSchemaDump(d.Schema); err != nil {
			return nil, err
		}
	case d.DB != "":
		s, err := d.readServerSchema(ctx)
		if err != nil {
			return nil, err
		}
		k.catalog, k.major = s.Catalog, min(s.Major, onward.PreviewMajor)
		for _, u := range s.Unread {
			k.opaque = append(k.opaque, onward.Opaque{Path: "the database", What: shortenSQL(u), Why: "the server has it, the catalog could not take it in"})
		}
		var names []string
		if d.Only != "" {
			names = []string{d.Only}
		}
		if k.plans, err = underway.ReadState(ctx, d.DB, s.Catalog, d.Only, names); err != nil {
			k.opaque = append(k.opaque, onward.Opaque{Path: "the database", What: "plans under way", Why: address.RedactError(err, d.DB).Error()})
		}
	}
	stats, err := d.readStats(ctx)
	if err != nil {
		return nil, err
	}
	if stats != nil {
		k.sizes, k.measuredAt, k.stats = size.NewModel(stats, c.Throughput), stats.Taken, stats
	}
	return k, nil
}

func (d Deployed) readServerSchema(ctx context.Context) (*live.Schema, error) {
	if d.Only != "" {
		return live.ReadSchemaAsPublic(ctx, d.DB, d.Only)
	}
	return live.ReadSchema(ctx, d.DB)
}

func (d Deployed) readStats(ctx context.Context) (*onward.Stats, error) {
	switch {
	case d.Stats != "":
		return ReadStats(d.Stats)
	case d.DB != "" && d.Only != "":
		return live.ReadSchemaStats(ctx, d.DB, d.Only)
	case d.DB != "":
		return live.ReadStats(ctx, d.DB)
	}
	return nil, nil
}

// Stats reads how big and how busy the tables of a server are.
func Stats(ctx context.Context, url string) (*onward.Stats, error) { return live.ReadStats(ctx, url) }

// maxStats bounds a file of sizes: 64 MB hold 100,000 tables.
const maxStats = 64 << 20

// ReadStats reads a file that onward stats wrote.
func ReadStats(path string) (*onward.Stats, error) {
	bad := func(err error) error { return &config.InputError{Err: fmt.Errorf("%s: %w", path, err)} }
	file, err := os.Open(path)
	if err != nil {
		return nil, &config.InputError{Err: fmt.Errorf("read the sizes: %w", err)}
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxStats+1))
	if err != nil {
		return nil, bad(err)
	}
	if len(data) > maxStats {
		return nil, bad(fmt.Errorf("is larger than %d MB", maxStats>>20))
	}
	s, err := parseStats(data)
	if err != nil {
		return nil, bad(err)
	}
	return s, nil
}

// parseStats returns what onward stats has written.
func parseStats(data []byte) (*onward.Stats, error) {
	var s onward.Stats
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("is not what onward stats writes: %w", err)
	}
	if s.Schema != onward.StatsSchema {
		return nil, fmt.Errorf("has the schema %q; this release reads %s, which onward stats writes", s.Schema, onward.StatsSchema)
	}
	for i := range s.Relations {
		r := &s.Relations[i]
		if r.HeapBytes < 0 || r.ToastBytes < 0 || r.Rows < -1 || slices.ContainsFunc(r.Indexes, func(x onward.IndexStats) bool { return x.Bytes < 0 }) {
			return nil, fmt.Errorf("%s has a negative size", r.Name)
		}
	}
	return &s, nil
}

// foldSchemaDump folds a dump.
func foldSchemaDump(path string) (c *catalog.Catalog, unread []onward.Opaque, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, &config.InputError{Err: fmt.Errorf("read the schema: %w", err)}
	}
	file, err := pgparse.SplitText(string(text))
	if err != nil {
		return nil, nil, &config.InputError{Err: fmt.Errorf("%s: %w", path, err)}
	}
	c = catalog.New()
	lines := pgparse.NewLines(file.Src)
	parsed := 0
	for _, s := range file.Stmts {
		if s.Node == nil {
			// pg_dump also writes commands of psql, which say nothing about the schema.
			if sql := file.Src[s.Start:s.End]; !strings.HasPrefix(sql, `\`) && len(unread) < maxUnread {
				line, column := lines.Position(s.Err.Offset)
				unread = append(unread, onward.Opaque{Path: path, Line: line, Column: column, What: shortenSQL(sql), Why: s.Err.Error()})
			}
			continue
		}
		parsed++
		c = rule.ApplyDeployed(c, s.Node, file.Src[s.Start:s.End])
	}
	if parsed == 0 {
		return nil, nil, &config.InputError{Err: fmt.Errorf("%s: no SQL statement could be read; give the output of pg_dump --schema-only", path)}
	}
	// The SET search_path of a dump is no setting of the runner.
	c.SearchPath = []string{"public"}
	c.TableMethod, c.TableSpace = "", ""
	return c, unread, nil
}

// maxUnread bounds what is listed for a file that is no dump.
const maxUnread = 20

// isVersionUnknown reports whether the versions in production are not known.
func (k *deployedFacts) isVersionUnknown(c *config.Config) bool {
	return len(c.Postgres) == 0 && k.major == 0
}

// majorVersions returns the configured major versions, else the server's own, else those that
// the repository's own files allow, with the file.
func (k *deployedFacts) majorVersions(c *config.Config) (list []int, from string) {
	all := c.Versions()
	switch {
	case len(c.Postgres) > 0:
	case k.major > 0:
		return []int{k.major}, ""
	case k.base != nil:
		oldest := adapter.OldestPostgres(k.base)
		if list = oldest.Since(all); len(list) < len(all) {
			return list, oldest.Path
		}
	}
	return all, ""
}

// describeSizes describes the sizes that a report is based on.
func (k *deployedFacts) describeSizes() *onward.Sizes {
	if k.sizes == nil {
		return nil
	}
	return &onward.Sizes{Taken: k.measuredAt, ReadPerSecond: k.sizes.Throughput.Read, WritePerSecond: k.sizes.Throughput.Write, SmallBelow: k.smallBelow}
}

// smallTables lists the tables whose known size makes them small.
func (k *deployedFacts) smallTables(c *config.Config) []string {
	limit := int64(c.SmallBelow)
	if limit == 0 && k.sizes.HasLarger(int64(config.DefaultSmallBelow)) {
		limit = int64(config.DefaultSmallBelow)
	}
	k.smallBelow = max(limit, 0)
	return k.sizes.TablesBelow(limit)
}

// addMeasures adds to effects how big their relations are, and how long the work on them
// takes. now returns the name of a relation on the server.
func (k *deployedFacts) addMeasures(to []onward.Effect, r *effect.Result, now func(*effect.Effect) catalog.Name) {
	if k.sizes == nil {
		return
	}
	ms := k.sizes.EstimateWork(r, now)
	for i := range to {
		if to[i].New {
			continue
		}
		if t, ok := k.sizes.TableSize(now(&r.Effects[i])); ok {
			to[i].Rows, to[i].Bytes, to[i].EstimateMS = max(t.Rows, 0), t.DataBytes(), ms[i]
		}
	}
}

// inferMinVersion infers the version in production from a deployed migration: it is at least the
// oldest one that can run all of its statements. Statements in a block under a condition
// do not count, because they may be for another version.
func (j *judge) inferMinVersion(m *adapter.Migration, s *script.Script) {
	if !j.known.isVersionUnknown(j.settings) || m.Path == "" {
		return
	}
	versions := j.settings.Versions()
	for _, st := range s.Statements {
		if st.Node == nil || st.Parent >= 0 || st.In != "" {
			continue
		}
		if major := refusal.ReadableFrom(st.Node, versions); major > max(j.since.Major, versions[0]) {
			j.since = adapter.Oldest{Major: major, Path: fmt.Sprintf("%s:%d", m.Path, st.Line)}
		}
	}
}

// excludeVersions excludes the versions that cannot have run the deployed migrations.
func (j *judge) excludeVersions(since adapter.Oldest) {
	if since.Major <= j.config.Versions[0] {
		return
	}
	if list := since.Since(j.config.Versions); len(list) < len(j.config.Versions) {
		j.config.Versions, j.report.Postgres, j.report.PostgresFrom = list, list, since.Path
	}
}

// describesOpaque reports whether a finding explains a part that the report also lists as not judged: both have the
// same file and line, and the finding's fact begins with the program that the part names.
func describesOpaque(f *onward.Finding, o *onward.Opaque) bool {
	_, program, ok := strings.Cut(o.What, " ")
	return ok && !o.Failed && f.Path == o.Path && f.Line == o.Line && strings.HasPrefix(f.Fact, program+" ")
}

func (j *judge) addOpaque(o onward.Opaque) { j.report.Opaque = append(j.report.Opaque, o) }

// acceptOpaque takes the mark of a failure off the places that the configuration accepts.
func (j *judge) acceptOpaque() {
	for i := range j.report.Opaque {
		if o := &j.report.Opaque[i]; o.Failed && j.settings.Accepts(o.Path) {
			o.Failed = false
		}
	}
}

// shortenSQL returns the beginning of a statement for a message.
func shortenSQL(sql string) string {
	s := strings.Join(strings.Fields(sql), " ")
	if r := []rune(s); len(r) > 80 {
		return string(r[:79]) + "…"
	}
	return s
}
