package report

import (
	"io"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"

	"github.com/onward-sql/onward/onward"
)

// Palette is the few styles of the terminal. They use the sixteen colours that
// every terminal lets its user choose.
type Palette struct {
	Error, Warning, Info, OK, Bold, Dim lipgloss.Style

	none  lipgloss.Style
	color bool
}

// NewPalette gives the styles; without colour they change nothing.
func NewPalette(color bool) Palette {
	// A renderer of our own: lipgloss' default one would ask the terminal
	// for its background, which costs time and can leave answers behind.
	r := lipgloss.NewRenderer(io.Discard)
	r.SetColorProfile(termenv.Ascii)
	if !color {
		none := r.NewStyle()
		return Palette{none, none, none, none, none, none, none, false}
	}
	r.SetColorProfile(termenv.ANSI)
	style := func(c string) lipgloss.Style { return r.NewStyle().Foreground(lipgloss.Color(c)) }
	return Palette{
		Error:   style("1").Bold(true),
		Warning: style("3").Bold(true),
		Info:    style("4").Bold(true),
		OK:      style("2").Bold(true),
		Bold:    r.NewStyle().Bold(true),
		Dim:     r.NewStyle().Faint(true),
		none:    r.NewStyle(),
		color:   true,
	}
}

// Severity is the style of a severity.
func (p *Palette) Severity(s onward.Severity) lipgloss.Style {
	switch s {
	case onward.Error:
		return p.Error
	case onward.Warning:
		return p.Warning
	}
	return p.Info
}

// plain is the style of ordinary text.
func (p *Palette) plain() lipgloss.Style { return p.none }

// blocking is the colour of a lock: whom it makes wait.
func (p *Palette) blocking(l onward.Lock) lipgloss.Style {
	switch {
	case l.BlocksReads():
		return p.Error
	case l.BlocksWrites():
		return p.Warning
	}
	return p.Dim
}
