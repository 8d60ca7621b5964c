package main

// The parts of the page that are the same whatever was measured.
const (
	pageHead = `# What does a release break, and who says so?

    make evidence

Public applications have suites. Here the suite of the deployed code runs on the schema of the next release: if it fails, the release breaks
the deployed code, and if it passes, it does not. Then onward and [migcheck](https://pypi.org/project/migcheck/) are asked, side by side.
No verdict is assumed: the column "the suite" is measured.

`

	pageColumns = `- *error*, *warning* and *called safe* are about the deployed code and the rows. Whether a statement lets
  traffic wait is no question of a suite, so findings about locks do not count here.
- ` + "`onward changelog`" + ` reads the release and the code. ` + "`verify`" + ` has a recording of the suite, ` + "`verify --replay`" + ` its values, too.
- migcheck's *error* is its FAIL. Its *warning* is a schema probe that fails under a PASS.
- CPU is the time of all processes, servers included, on two busy cores. migcheck runs the suite each time; onward records it once for all releases, and the
  recording's cost is in the next table.
- Where onward had read a release before, its cache made an answer of the changelog cheaper.
- A PASS of migcheck may leave statements out, and says so: 46 % of healthchecks' failed on the old schema, too, 31 % of linkding's, 11 % of fider's.
- Everything ran on Postgres 15. migcheck starts its servers by docker. A small program started the same server here without containers.

`

	pageEnd = `
## What is missing

- auth's schema is a placeholder of its runner, so ` + "`render:`" + ` gives it a name, and sets the search path that the runner's role has.
  migcheck gives no answer there: each statement fails on the old schema. It was not asked about five of the real releases.
- Onward was asked about all releases again. On the planted ones, the suite of the other four applications and migcheck ran before; on
  healthchecks' migcheck had another choice of modules, of 226 tests.
- A suite that ends at its first panic counts fewer tests than it has: 46 or 47 of fider's 104. *None begins* is a suite whose own
  rows the new schema refuses.
- unleash's history does not run from scratch without its own tool, because migrations read rows. It was captured
  (` + "`capture:`" + `), and so was miniflux's, whose migrations are functions in Go.
- ` + "`onward changelog`" + ` calls auth's v2.183.0 safe. The deployed code reads ` + "`SELECT *`" + ` into a struct that lacks the new column, and
  puts the name of the table into the text as it runs.
- outline and mealie were prepared, and not run for want of time. plane's suite took 134 s of CPU for 27 tests.
- nakama's tests were not built. n8n's repository is larger than what could be had. The gems of a Rails application could not be had.

## How

1. The base is the tree of a public release. A planted change is one migration more, in the application's own tool; its statement
   is in the table. The real release is the next one's tree.
2. The suite runs on the base, and must pass. Then it runs through ` + "`onward record --values`" + `.
3. For each release the suite of the base runs with the migrations of the release. If it fails with one or two tests, it runs again, and must fail again.
4. Each tool gets the two commits. Where a file of a public repository is too large to be had, it is left out of both.

The figures are in ` + "`bench/evidence/results.json`" + `, and this page is written from them. Nothing of the applications is kept
there, neither code nor how they are installed: [bench/evidence](https://github.com/onward-sql/onward/tree/main/bench/evidence) says what a recipe has to do.
`
)
