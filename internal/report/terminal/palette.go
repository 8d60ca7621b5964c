package terminal

import (
	"io"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"

	"github.com/onward-sql/onward/onward"
)

// Palette has the few styles of the terminal. They use the sixteen colours that users can
// configure in every terminal.
type Palette struct {
	Error, Warning, Info, OK, Bold, Dim lipgloss.Style

	none  lipgloss.Style
	color bool
}

// NewPalette returns the styles; without colour they change nothing.
func NewPalette(color bool) Palette {
	// A renderer of our own, because lipgloss' default one asks the terminal for its
	// background: that costs time, and the answer may stay in the input.
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

// ordinaryStyle is the style of ordinary text.
func (p *Palette) ordinaryStyle() lipgloss.Style { return p.none }

// lockStyle returns the colour of a lock, which depends on whom it blocks.
func (p *Palette) lockStyle(l onward.Lock) lipgloss.Style {
	switch {
	case l.BlocksReads():
		return p.Error
	case l.BlocksWrites():
		return p.Warning
	}
	return p.Dim
}
