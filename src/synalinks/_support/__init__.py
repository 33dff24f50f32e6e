"""Small tools that several packages share and none of the field's words is for."""
