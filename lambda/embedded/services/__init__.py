"""Parts of AWS that moto lacks."""
