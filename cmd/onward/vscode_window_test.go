package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// picture takes a picture of the window if ONWARD_SHOTS names a directory.
func (w *window) picture(name string) {
	w.t.Helper()
	dir := os.Getenv("ONWARD_SHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(w.Ctx, chromedp.CaptureScreenshot())
	if err != nil {
		w.t.Error(err)
		return
	}
	if err := os.WriteFile(filepath.Join(dir, "vscode-"+name+".png"), png, 0o644); err != nil {
		w.t.Error(err)
	}
}

// point reads a place in the window.
func point(t *testing.T, text string) (x, y float64) {
	t.Helper()
	left, right, _ := strings.Cut(text, ",")
	x, err := strconv.ParseFloat(left, 64)
	if err != nil {
		t.Fatal(err)
	}
	if y, err = strconv.ParseFloat(right, 64); err != nil {
		t.Fatal(err)
	}
	return x, y
}
