"""The renderer of the demo faces. Needs the extra `faces`; nobody needs it to run the demo.

    python -m ferdemo.faces demo                              the shipped sets, and their contact sheets
    python -m ferdemo.faces train --out data/build/train      other people, for training the demo models
    python -m ferdemo.faces contact-sheet                     figures/demo/*.png, from shipped images

`sets` names the sets; `recipe` is what they have in common, `posed`, `crossed`, `light_pose` and `combinations` their
designs; `identity`, `expression`, `tone` and `rest` say what that means for a face; `geometry`, `skin`, `wrinkles` and
`hair` make meshes and textures of it; `renderer` draws them; `produce` writes a set, `acting_regions` and `masks` where
its Action Units act, `strength` and `landmarks` how strongly; `contact` and `sheets` show them.
"""
