"""What all pages share: base template, design tokens, language, faults, cards, map layers."""
