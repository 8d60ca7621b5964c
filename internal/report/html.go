package report

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"

	"github.com/onward-sql/onward/onward"
)

//go:embed html/*
var htmlFiles embed.FS

// HTML prints the report as one page that needs nothing else: no network, no
// file beside it, and no script to be read. Above the fold stand the verdict
// and, when the release was rehearsed, its timeline. The page forbids itself
// everything but its own style and script, by their hashes.
func HTML(w io.Writer, r *onward.Report) error {
	t, err := pageTemplate()
	if err != nil {
		return err
	}
	v := newHTMLPage(r)
	css := pageCSS() + lightRules(v.Count)
	js := pageJS()
	v.CSS, v.JS = template.CSS(css), template.JS(js)
	v.CSP = policy(css, js)
	// In one piece: a page that breaks off half way is worse than none.
	var b bytes.Buffer
	if err := t.Execute(&b, v); err != nil {
		return fmt.Errorf("make the page: %w", err)
	}
	_, err = io.WriteString(w, tameHTML(b.String()))
	return err
}

// policy lets a page have its own style and script, and nothing else.
func policy(css, js string) string {
	return "default-src 'none'; style-src '" + hash(css) + "'; script-src '" + hash(js) + "'; img-src data:; base-uri 'none'; form-action 'none'"
}

// pageTemplate is read at the first use: most runs print no page.
var pageTemplate = sync.OnceValues(func() (*template.Template, error) {
	return template.New("page.gohtml").ParseFS(htmlFiles, "html/*.gohtml")
})

// pageCSS and pageJS go into the page as they are, and must not end their
// elements.
var (
	pageCSS = sync.OnceValue(func() string { return embedded("html/page.css") })
	pageJS  = sync.OnceValue(func() string { return embedded("html/page.js") })
)

func embedded(name string) string {
	data, err := htmlFiles.ReadFile(name)
	if err != nil {
		panic(err) // a name that is not embedded is a fault of this file
	}
	return string(data)
}

// hash names an element's content in a Content-Security-Policy.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// maxLightRules bounds the rules of lightRules. Beyond it only the script
// lights up the other side.
const maxLightRules = 300

// lightRules makes everything that belongs to a statement light up when any
// part of it is pointed at, focused or the target of a link, without a script.
func lightRules(n int) string {
	var b strings.Builder
	for i := 1; i <= min(n, maxLightRules); i++ {
		fmt.Fprintf(&b, "\n:root:has([data-s=\"%d\"]:is(:hover,:focus-within,:target)) [data-s=\"%d\"]{--row:var(--lit);--edge:var(--fg)}", i, i)
	}
	return b.String()
}
