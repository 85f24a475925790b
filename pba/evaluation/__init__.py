"""How good forecasters are on traces: walked through, scored, compared, told and drawn."""
