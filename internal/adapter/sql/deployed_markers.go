package sql

import (
	"fmt"
	"strings"
	"sync"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// deployedMarkers knows whose markers count in a directory of the head: the tool's that runs its files at the base. A branch could
// else hide SQL from its own check below a comment that means nothing to the tool that runs the file.
type deployedMarkers struct {
	source adapter.Source // at the base
	tree   adapter.Tree
	read   sync.Once
	// texts are the files at the base, tool is what runs them, and marked has the tools of their markers if that is not known.
	texts  map[string]string
	tool   *runner
	marked map[*runner]bool
}

func newDeployedMarkers(s adapter.Source) *deployedMarkers {
	if s.Deployed.Tree == nil {
		return nil
	}
	d := &deployedMarkers{source: s, tree: s.Deployed.Tree}
	d.source.Dir, d.source.Deployed = s.Deployed.Dir, adapter.DeployedSource{}
	return d
}

// readFiles reads the files at the base, once.
func (d *deployedMarkers) readFiles() {
	d.read.Do(func() {
		p := newMigrationDir(d.tree, d.source)
		d.texts, d.marked = map[string]string{}, map[*runner]bool{}
		if d.tool = detectTool(p, p.ups); len(p.files) != len(p.ups) {
			p.readFiles(p.ups)
		}
		for i, f := range p.files {
			d.texts[p.ups[i]] = f.Text
			if d.tool == nil {
				d.marked[toolByMarkers(findHintedLines(f.Text))] = true
			}
		}
	})
}

// trust is how far the markers of a file are believed.
type trust int

const (
	markersDeployed trust = iota // they are the deployed tool's, or the file is deployed
	markersUnproven              // nothing is deployed in the directory, so both parts are judged
	markersForeign               // another tool runs the directory, or nobody knows which: the whole file runs
)

// judgeMarkers returns how far the markers of a tool in a file are believed.
func (d *deployedMarkers) judgeMarkers(f *file, tool *runner) trust {
	if d == nil {
		return markersDeployed
	}
	d.readFiles()
	text, isDeployed := d.texts[f.path]
	switch {
	case len(d.texts) == 0:
		return markersUnproven
	case d.tool == tool, isDeployed && text == f.text, d.tool == nil && d.marked[tool], d.tool != nil && d.tool.marks == tool.marks:
		return markersDeployed
	}
	return markersForeign
}

// chooseSender returns what sends a file whose markers mean nothing: what runs the deployed files, else a runner without markers.
func (d *deployedMarkers) chooseSender(r *runner) *runner {
	switch {
	case d.tool != nil && d.tool.marks == nil:
		return d.tool
	case r.marks == nil:
		return r
	}
	return &nobody
}

// refuseMarkers reports markers that mean nothing to what runs the file.
func (d *deployedMarkers) refuseMarkers(f *file, tool *runner) {
	first, reason := findMarker(f.lines, tool), "nothing that is deployed in this directory has "+tool.name+"'s markers"
	harm := "Whatever runs the files may run all of it, the text below the marker as well."
	if d.tool != nil {
		reason, harm = d.tool.name+" runs this directory", d.tool.name+" runs the whole file, the text below the marker as well."
	}
	f.m.Problems = append(f.m.Problems, history.Refusal{
		Line: 1 + strings.Count(f.text[:first.at], "\n"), Column: 1, Severity: onward.Warning,
		Message: fmt.Sprintf("%q is a marker of %s, and %s: the whole file is judged", strings.TrimSpace(first.text), tool.name, reason),
		Harm:    harm, Instead: "remove the marker, and put the down migration where the tool looks for it",
	})
}

// findMarker returns the first line that is a marker of a tool.
func findMarker(lines []line, tool *runner) line {
	for _, l := range lines {
		if matchesLine(tool.marks.up, []line{l}) || matchesLine(tool.marks.down, []line{l}) {
			return l
		}
	}
	return line{}
}

// addWholeForm gives a migration its whole text as a second form, in which it is judged, too.
func (f *file) addWholeForm(tool *runner) {
	whole := f.m.Source
	part := adapter.TrimmedPart(f.text, 0, len(f.text))
	part.Message = f.whole
	whole.Parts = []script.Part{part}
	f.m.WithoutConditions, f.m.Runner.Marker = &whole, strings.TrimSpace(findMarker(f.lines, tool).text)
}
