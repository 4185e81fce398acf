"""The renderer of the demo faces. Needs the extra `faces`; nobody needs it to run the demo.

    python -m ferlib.faces people --out data/demo/people     the shipped set
    python -m ferlib.faces train --out data/build/train      other people, for training the demo models
    python -m ferlib.faces contact-sheet                     figures/demo/contact_sheet.png, from shipped images

`sets` says who is shown how; `identity`, `expression`, `tone` and `rest` say what that means for a face; `geometry`,
`skin`, `wrinkles` and `hair` make meshes and textures of it; `renderer` draws them; `produce` writes a set.
"""
