// Command shots takes pictures of a report's page in headless Chromium: at
// three widths, light and dark.
//
//	go run ./internal/report/shots REPORT.json|PAGE.html DIR [FULL]
//
// It writes DIR/rehearsal-WIDTH-SCHEME.png, or DIR/PAGE-WIDTH-SCHEME.png, the first screen of each; with a
// third argument the whole page, from top to bottom.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/html"
)

// screens are the widths and heights of a phone, a tablet and a laptop.
var screens = [][2]int64{{360, 780}, {768, 1024}, {1280, 860}}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: shots REPORT.json|PAGE.html DIR [FULL]")
		os.Exit(2)
	}
	if err := takeScreenshot(os.Args[1], os.Args[2], len(os.Args) > 3); err != nil {
		fmt.Fprintln(os.Stderr, "shots:", err)
		os.Exit(1)
	}
}

func takeScreenshot(from, dir string, full bool) error {
	page, err := filepath.Abs(from)
	if err != nil {
		return err
	}
	name, isPage := strings.CutSuffix(filepath.Base(from), ".html")
	if !isPage {
		name = "rehearsal"
		if page, err = renderPage(from); err != nil {
			return err
		}
		defer os.Remove(page)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.Flag("hide-scrollbars", true))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	for _, scheme := range []string{"light", "dark"} {
		media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
		for _, screen := range screens {
			err := chromedp.Do(ctx,
				chromedp.EmulateViewport(screen[0], screen[1]),
				chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
					_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, media)
					return err
				}),
				chromedp.Navigate("file://"+page))
			if err != nil {
				return err
			}
			shot := chromedp.CaptureScreenshot()
			if full {
				shot = chromedp.FullScreenshot(100)
			}
			png, err := chromedp.Run(ctx, shot)
			if err != nil {
				return err
			}
			picture := filepath.Join(dir, fmt.Sprintf("%s-%d-%s.png", name, screen[0], scheme))
			if err := os.WriteFile(picture, png, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// renderPage renders the page of a stored report.
func renderPage(from string) (string, error) {
	in, err := os.Open(from)
	if err != nil {
		return "", err
	}
	defer in.Close()
	r, err := report.Read(in)
	if err != nil {
		return "", fmt.Errorf("%s: %w", from, err)
	}
	out, err := os.CreateTemp("", "onward-*.html")
	if err != nil {
		return "", err
	}
	defer out.Close()
	return out.Name(), html.WriteReport(out, r)
}
