// Package html prints reports, plans and the progress of releases as pages: no network, and readable without scripts.
package html

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

//go:embed *.gohtml *.css *.js
var pageFiles embed.FS

// WriteReport prints the report as one self-contained page: no network, no other files, and
// readable without scripts. The verdict is at the top, followed by the timeline if the
// release was rehearsed. A policy in the page forbids everything but its own style and
// script, by their hashes.
func WriteReport(w io.Writer, r *onward.Report) error {
	v := newReportPage(r)
	css := pageCSS() + highlightCSS(v.Count)
	js := pageJS()
	v.CSS, v.JS = template.CSS(css), template.JS(js)
	v.CSP = contentPolicy(css, js)
	return executePage(w, "page.gohtml", v)
}

// executePage writes a page by its template. It is written in one piece: half a page is worse than none.
func executePage(w io.Writer, name string, value any) error {
	t, err := pageTemplate()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, name, value); err != nil {
		return fmt.Errorf("make the page: %w", err)
	}
	_, err = io.WriteString(w, escape.CommandsInHTML(b.String()))
	return err
}

// contentPolicy allows only the page's own style and script.
func contentPolicy(css, js string) string {
	return "default-src 'none'; style-src '" + sourceHash(css) + "'; script-src '" + sourceHash(js) + "'; img-src data:; base-uri 'none'; form-action 'none'"
}

// pageTemplate is parsed at the first use: most runs print no page.
var pageTemplate = sync.OnceValues(func() (*template.Template, error) {
	return template.New("page.gohtml").ParseFS(pageFiles, "*.gohtml")
})

// pageCSS and pageJS are inserted unchanged, so they must not contain the closing tags of
// their elements.
var (
	pageCSS = sync.OnceValue(func() string { return readEmbedded("page.css") })
	pageJS  = sync.OnceValue(func() string { return readEmbedded("page.js") })
)

func readEmbedded(name string) string {
	data, err := pageFiles.ReadFile(name)
	if err != nil {
		panic(err) // a name that is not embedded is a fault of this file
	}
	return string(data)
}

// sourceHash returns the source expression for an element's content in a
// Content-Security-Policy.
func sourceHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// maxLightRules bounds the rules of highlightCSS. With more statements, only the script
// highlights the other side.
const maxLightRules = 300

// highlightCSS highlights everything that belongs to a statement if any part of it is
// hovered, focused or the target of a link, without a script.
func highlightCSS(n int) string {
	var b strings.Builder
	for i := 1; i <= min(n, maxLightRules); i++ {
		fmt.Fprintf(&b, "\n:root:has([data-s=\"%d\"]:is(:hover,:focus-within,:target)) [data-s=\"%d\"]{--row:var(--lit);--edge:var(--fg)}", i, i)
	}
	return b.String()
}

// setTone sets the verdict's colour, and a word with the same meaning for readers who do not
// see it.
func (p *reportPage) setTone(r *onward.Report) {
	switch s := &r.Summary; {
	case s.Withheld == onward.WithheldHistory && s.Errors > 0:
		p.Tone, p.Mark, p.Deploy = "error", "errors", ""
	case s.Errors > 0:
		p.Tone, p.Mark = "error", "not safe"
	case s.Withheld != "":
		p.Tone, p.Mark, p.Deploy = "ok", "no errors", ""
		if s.Warnings > 0 || slices.ContainsFunc(r.Opaque, func(o onward.Opaque) bool { return o.Failed }) {
			p.Tone, p.Mark = "warning", "no verdict"
		}
	case s.State == onward.StateSafeIf:
		p.Tone, p.Mark, p.Deploy = "warning", "safe to deploy if …", ""
	case !s.Safe:
		p.Tone, p.Mark = "warning", "not certain"
	case s.Warnings > 0:
		p.Tone, p.Mark = "warning", "with warnings"
	}
}
