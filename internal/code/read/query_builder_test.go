package read_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/queries"
	"github.com/onward-sql/onward/internal/code/read"
	"github.com/onward-sql/onward/internal/code/source"
)

// TestBuilds: at which lines code builds queries by calls, and that other calls of the same names do not count.
func TestBuilds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, file, code string
		want             []int
	}{
		{
			"django", "views.py",
			"from django.db.models import Count\n\ndef f(user):\n    a = Bookmark.objects.filter(owner=user).annotate(n=Count('tags'))\n    b = (\n        a\n" +
				"        .exclude(url='x')\n        .order_by('-id')\n    )\n    return b.values_list('id')\n",
			[]int{4, 7, 10},
		},
		{"a manager", "views.py", "x = Tag.objects.all()\n", []int{1}},
		{"a comment", "views.py", "import django\n# Tag.objects.filter(a=1)\n", nil},
		{"no mapper", "util.py", "rows = frame.filter(items=['a'])\nfor x in filter(None, y): pass\n", nil},
		{"sqlalchemy", "q.py", "from sqlalchemy import select\n\nq = select(User).where(User.name == 'x')\n", []int{3}},
		{"knex", "a.js", "const knex = require('knex')(config);\nknex('users')\n  .where({ id })\n  .orderBy('name');\n", []int{3}},
		{"an array", "a.js", "list.filter((x) => x.where(1)).find(f);\n", nil},
		{
			"kysely", "b.ts",
			"const rows = await db\n  .selectFrom('users')\n  .innerJoin('orders', 'a', 'b')\n  .execute();\nawait db.deleteFrom('users').execute();\n",
			[]int{2, 5},
		},
		{
			"squirrel", "s.go",
			"package s\n\nimport sq \"github.com/Masterminds/squirrel\"\n\nvar q = sq.Select(\"id\").From(\"users\").\n\tWhere(sq.Eq{\"a\": 1})\n",
			[]int{5},
		},
		{"a query string of Go", "h.go", "package h\n\nfunc f(r *http.Request) { r.URL.Query().Get(\"a\"); x.Select(1) }\n", nil},
		{"rails", "a.rb", "User.where(name: 'x').joins(:orders)\nuser = User.find_by name: 'x'\nwhere = 1\n", []int{1, 2}},
		{"jooq", "D.java", "import org.jooq.DSLContext;\nvar r = ctx.selectFrom(USERS).where(USERS.ID.eq(1)).fetch();\n", []int{2}},
		{"laravel", "A.php", "<?php\nuse Illuminate\\Support\\Facades\\DB;\n$a = DB::table('users')\n    ->where('a', 1)\n    ->orderBy('b')->get();\n", []int{3}},
		{"entity framework", "A.cs", "var x = await db.Users.Where(u => u.A).ToListAsync();\nvar y = list.Where(z => z).ToList();\n", []int{1}},
		{"diesel", "a.rs", "use diesel::prelude::*;\nlet x = users.filter(id.eq(1)).first(conn);\n", []int{2}},
	} {
		if got := read.Read(c.file, []byte(c.code)).Builds; !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	f := read.Read("views.py", []byte("import django\nx = A.objects.filter(a=1)\n"))
	if decodedFacts, err := facts.Decode(f.Append(nil)); err != nil || !slices.Equal(decodedFacts.Builds, f.Builds) {
		t.Errorf("stored: %v, %v", decodedFacts, err)
	}
}

// BenchmarkBuilds compares the count with the rest of the reading, on the sources of the Go distribution or on the
// directory that ONWARD_CODE names.
func BenchmarkBuilds(b *testing.B) {
	dir := os.Getenv("ONWARD_CODE")
	if dir == "" {
		b.Skip("ONWARD_CODE names no directory")
	}
	var files []string
	_ = filepath.WalkDir(dir, func(p string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() && queries.QueryBuilders[filepath.Ext(p)] != nil {
			files = append(files, p)
		}
		return nil
	})
	texts := make([][]byte, len(files))
	for i, p := range files {
		text, err := os.ReadFile(p)
		if err != nil {
			b.Fatal(err)
		}
		texts[i] = bytes.Clone(text)
	}
	var all, buildTime time.Duration
	for b.Loop() {
		for i, p := range files {
			start := time.Now()
			read.Read(p, texts[i])
			read := time.Now()
			r := source.NewFile(p, texts[i])
			queries.RecordBuilds(r)
			all, buildTime = all+read.Sub(start), buildTime+time.Since(read)
		}
	}
	b.ReportMetric(100*buildTime.Seconds()/all.Seconds(), "%-of-reading")
}
